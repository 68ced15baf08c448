/// A view of bytes that answers nil outside itself, so that a parser of hostile data cannot trap.
struct Bytes {
    private let bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { self.bytes = bytes[...] }
    private init(slice: ArraySlice<UInt8>) { bytes = slice }

    /// How many bytes there are.
    var count: Int { bytes.count }

    /// The part of `range` that exists.
    func slice(_ range: Range<Int>) -> Bytes {
        let all = bytes.indices
        let inside = (all.lowerBound + range.lowerBound..<all.lowerBound + range.upperBound).clamped(to: all)
        return Bytes(slice: bytes[inside])
    }

    /// The byte at `place`, counted from 0.
    subscript(place: Int) -> UInt8? {
        place >= 0 && place < bytes.count ? bytes[bytes.startIndex + place] : nil
    }

    /// `length` bytes as ASCII text.
    func text(_ place: Int, _ length: Int) -> String? {
        guard place >= 0, place <= bytes.count - length else { return nil }
        let start = bytes.startIndex + place
        return String(decoding: bytes[start..<start + length], as: UTF8.self)
    }

    func big16(_ place: Int) -> Int? { number(place, 2, isLittle: false) }
    func big32(_ place: Int) -> Int? { number(place, 4, isLittle: false) }
    func little16(_ place: Int) -> Int? { number(place, 2, isLittle: true) }
    func little24(_ place: Int) -> Int? { number(place, 3, isLittle: true) }
    func little32(_ place: Int) -> Int? { number(place, 4, isLittle: true) }

    private func number(_ place: Int, _ length: Int, isLittle: Bool) -> Int? {
        guard place >= 0, place <= bytes.count - length else { return nil }
        let start = bytes.startIndex + place
        let digits = bytes[start..<start + length]
        return isLittle
            ? digits.reversed().reduce(0) { $0 << 8 | Int($1) } : digits.reduce(0) { $0 << 8 | Int($1) }
    }
}
