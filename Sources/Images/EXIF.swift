/// The orientation, 1 to 8, in the first directory of EXIF data; nil where there is none or it makes no sense.
///
/// Everything here may be hostile: offsets and counts are believed only inside the data.
func exifOrientation(_ data: Bytes) -> Int? {
    let tiff = data.text(0, 4) == "Exif" ? data.slice(6..<max(6, data.count)) : data
    guard let order = tiff.text(0, 2), order == "II" || order == "MM" else { return nil }
    let isLittle = order == "II"
    func short(_ place: Int) -> Int? { isLittle ? tiff.little16(place) : tiff.big16(place) }
    func long(_ place: Int) -> Int? { isLittle ? tiff.little32(place) : tiff.big32(place) }

    guard short(2) == 42, let directory = long(4), let count = short(directory) else { return nil }
    for index in 0..<count {
        let entry = directory + 2 + 12 * index
        guard let tag = short(entry) else { return nil }
        guard tag == 0x0112 else { continue }
        let value =
            switch short(entry + 2) {
            case 3: short(entry + 8)
            case 4: long(entry + 8)
            default: nil as Int?
            }
        return value.flatMap { (1...8).contains($0) ? $0 : nil }
    }
    return nil
}
