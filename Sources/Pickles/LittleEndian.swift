/// Numbers of little-endian files; the caller has checked that the bytes are there.
extension [UInt8] {
    func uint16(_ place: Int) -> Int { Int(self[place]) | Int(self[place + 1]) << 8 }

    func uint32(_ place: Int) -> Int { uint16(place) | uint16(place + 2) << 16 }

    /// Nil where the number is larger than any file's size.
    func uint64(_ place: Int) -> Int? {
        let (low, high) = (uint32(place), uint32(place + 4))
        return high < 1 << 31 ? low | high << 32 : nil
    }
}
