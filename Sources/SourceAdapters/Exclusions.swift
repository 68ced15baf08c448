import Digests
import Foundation
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
        for path in urls { try Self.read(path) { self.urls.insert(digest(of: $0).prefix) } }
        for path in images {
            guard path.hasSuffix(".json") else {
                try Self.read(path) { self.images.insert($0) }
                continue
            }
            let reader = try elements(of: path, at: nil)
            while let record = try reader.next() {
                guard case .text(let bytes) = record,
                    let image = try? JSONFields(bytes)?.text("image"),  // no text: the error says what is wanted
                    let id = cocoID(ofFile: image)
                else { throw SourceError(.malformed, path, "byte \(reader.offset): want objects with image") }
                self.images.insert("coco_\(id)")
            }
        }
    }

    package var isEmpty: Bool { urls.isEmpty && images.isEmpty }

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

    private static func read(_ path: String, take: (String) -> Void) throws(SourceError) {
        let reader = try LineReader(path)
        while let record = try reader.next() {
            guard case .text(let bytes) = record else { continue }
            let line = text(of: bytes)
            if !line.isEmpty, !line.hasPrefix("#") { take(line) }
        }
    }
}
