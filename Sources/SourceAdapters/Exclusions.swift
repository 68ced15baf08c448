import Digests
import Samples

/// What must not be in a data set, whatever list names it: URLs, and images by their ids in other data sets.
///
/// The lists are held in memory: 64 bits of each URL's hash, and the ids as they are. A row is lost by chance, because its URL
/// has the hash of a listed one, once in 2^64 divided by the length of the list.
package struct Exclusions: Sendable {
    private var urls: Set<UInt64> = []
    private var images: Set<String> = []

    package init() {}

    /// Reads the lists `urls` and `images`: one a line, `#` begins a comment.
    ///
    /// A list of images may also be a JSON list of COCO's kind, such as `coco_karpathy_test.json`, whose images are meant.
    package init(urls: [String], images: [String]) throws(SourceError) {
        for path in urls {
            try readLines(path, wanted: "a list of URLs") { (line, _) throws(SourceError) in
                self.urls.insert(digest(of: line).prefix)
            }
        }
        for path in images {
            if path.hasSuffix(".json") {
                try readImages(path)
            } else {
                try readLines(path, wanted: "a list of images") { (line, place) throws(SourceError) in
                    guard isImageID(line) else {
                        let hint = "\"\(line.prefix(40))\": want an id such as coco_522418 or vg_2331"
                        throw SourceError(.malformed, path, "\(place): \(hint)")
                    }
                    self.images.insert(line)
                }
            }
        }
    }

    private mutating func readImages(_ path: String) throws(SourceError) {
        try refuseForeign(path, wanted: "a list of images")
        let reader = try elements(of: path, at: nil)
        while true {
            let place = reader.offset
            guard let record = try reader.next() else { return }
            guard case .text(let bytes) = record,
                let image = try? JSONFields(bytes)?.text("image"),  // no text: the error says what is wanted
                let id = cocoID(ofFile: image)
            else { throw SourceError(.malformed, path, "byte \(place): want objects with an image") }
            images.insert("coco_\(id)")
        }
    }

    /// Why `row` is left out; nil where it is not.
    func judge(_ row: SourceRow, url: String) -> Rejection? {
        if !urls.isEmpty, urls.contains(digest(of: url).prefix) {
            return Rejection(.excludedURL, "in a list of URLs to leave out")
        }
        if !images.isEmpty, let id = row.facts.imageIDs.first(where: images.contains) {
            return Rejection(.excludedImage, "\(id) is in a list of images to leave out")
        }
        return nil
    }
}

/// Whether rows can have `id`: COCO's and Visual Genome's do, and no others.
private func isImageID(_ id: String) -> Bool {
    guard let prefix = ["coco_", "vg_"].first(where: id.hasPrefix) else { return false }
    let digits = id.dropFirst(prefix.count).utf8
    return !digits.isEmpty && digits.allSatisfy { (48...57).contains($0) }
}

/// Gives each line of the list `path` to `take`, with its place for messages; blank ones and comments, from `#` on, are none.
///
/// - Throws: A `SourceError` where the file is not `wanted`, or a line is too long, and what `take` throws.
package func readLines(
    _ path: String, wanted: String, _ take: (_ line: String, _ place: String) throws(SourceError) -> Void
) throws(SourceError) {
    try refuseForeign(path, wanted: wanted)
    let reader = try LineReader(path, keepsBlankLines: true)
    var number = 0
    while let record = try reader.next() {
        number += 1
        guard case .text(let bytes) = record else {
            throw SourceError(.malformed, path, "line \(number): longer than \(LineReader.byteLimit) bytes")
        }
        let line = urlText(of: bytes)
        if !line.isEmpty, !line.hasPrefix("#") { try take(line, "line \(number)") }
    }
}
