import Files
import Foundation
import Samples

/// The captions that people wrote for the images of a data set, as the data sets distribute them.
///
/// Known by what is in the file:
///
/// - COCO and NoCaps: an object with `annotations` (`image_id`, `caption`); NoCaps's images have a `domain`.
/// - Karpathy's splits of COCO and Flickr30K: an object with `images` that have `sentences`.
/// - LAVIS's lists: a list of images with `image` and `caption`.
/// - Flickr30K's `results_20130124.token`: lines of `FILE#NUMBER`, a tab and a caption.
///
/// An image is named by `image_id` or `cocoid`; Flickr30K's by the name of its file, without `.jpg`; those of LAVIS's
/// lists by the number at the end of it.
package struct CaptionReferences: Sendable {
    /// An image and its captions.
    package struct Image: Sendable {
        package let id: String
        package fileprivate(set) var captions: [String]
        /// NoCaps's `in-domain`, `near-domain` or `out-domain`.
        package fileprivate(set) var domain: String?
        /// The name of the image's file, where COCO, NoCaps or Karpathy's splits say it.
        package fileprivate(set) var file: String?
    }

    /// The images that have a caption, in the order of the file.
    package private(set) var images: [Image] = []
    private var places: [String: Int] = [:]

    /// Reads the file `path`; `split` is the one that is taken of Karpathy's.
    package init(_ path: String, split: String = "test") throws(MetricsError) {
        switch try JSONItems.firstByte(of: path) {
        case UInt8(ascii: "["): try addList(path)
        case UInt8(ascii: "{"):
            if var annotations = try JSONItems(path, listAt: "annotations") {
                try addAnnotations(&annotations, path)
            } else if var images = try JSONItems(path, listAt: "images") {
                try addSplit(&images, split, path)
            } else {
                throw MetricsError(.malformed, path, "want annotations, or images with sentences")
            }
        case nil: throw MetricsError(.malformed, path, "the file is empty")
        default: try addLines(path)
        }
        guard !images.isEmpty else { throw MetricsError(.empty, path, "no image has a caption") }
    }

    private mutating func add(_ caption: String, of id: String) {
        if let place = places[id] {
            images[place].captions.append(caption)
        } else {
            places[id] = images.count
            images.append(Image(id: id, captions: [caption], domain: nil))
        }
    }

    private struct Annotation: Decodable {
        let image_id: ItemID
        let caption: String
    }

    private struct Listed: Decodable {
        let id: ItemID
        let domain: String?
        let file_name: String?
    }

    private mutating func addAnnotations(_ annotations: inout JSONItems, _ path: String) throws(MetricsError) {
        while let item = try annotations.next() {
            let annotation = try item.decoded(Annotation.self, path)
            add(annotation.caption, of: annotation.image_id.text)
        }
        guard var listed = try JSONItems(path, listAt: "images") else { return }
        while let item = try listed.next() {
            let image = try item.decoded(Listed.self, path)
            guard let place = places[image.id.text] else { continue }
            (images[place].domain, images[place].file) = (image.domain, image.file_name)
        }
    }

    private struct SplitImage: Decodable {
        struct Sentence: Decodable { let raw: String }
        let split: String
        let sentences: [Sentence]
        let cocoid: ItemID?
        let filename: String?
    }

    private mutating func addSplit(_ list: inout JSONItems, _ split: String, _ path: String) throws(MetricsError) {
        var splits: Set<String> = []
        while let item = try list.next() {
            let image = try item.decoded(SplitImage.self, path)
            splits.insert(image.split)
            guard image.split == split else { continue }
            guard let id = image.cocoid ?? image.filename.map({ ItemID($0).withoutExtension }) else {
                throw MetricsError(.malformed, path, "line \(item.line): want cocoid or filename")
            }
            for sentence in image.sentences { add(sentence.raw, of: id.text) }
            if let place = places[id.text] { images[place].file = image.filename }
        }
        guard splits.contains(split) else {
            throw MetricsError(.empty, path, "no split \(split), only \(splits.sorted().joined(separator: ", "))")
        }
    }

    private struct ListedImage: Decodable {
        let image: String
        let captions: [String]

        private enum CodingKeys: String, CodingKey { case image, caption }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            image = try container.decode(String.self, forKey: .image)
            if let one = try? container.decode(String.self, forKey: .caption) {  // a list is tried next
                captions = [one]
            } else {
                captions = try container.decode([String].self, forKey: .caption)
            }
        }
    }

    private mutating func addList(_ path: String) throws(MetricsError) {
        var list = try JSONItems(path)
        while let item = try list.next() {
            let image = try item.decoded(ListedImage.self, path)
            let stem = ItemID(String(image.image.split(separator: "/").last ?? "")).withoutExtension.text
            let digits = String(stem.reversed().prefix(while: \.isNumber).reversed())
            guard stem.contains("_"), let number = Int64(digits) else {
                for caption in image.captions { add(caption, of: stem) }
                continue
            }
            for caption in image.captions { add(caption, of: String(number)) }
        }
    }

    private mutating func addLines(_ path: String) throws(MetricsError) {
        let bytes: [UInt8]
        do {
            let file = try OpenedFile(path)
            bytes = try file.bytes(at: 0, count: file.byteCount)
        } catch {
            throw MetricsError(.unreadable, path, "\(error)")
        }
        for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        {
            let text = String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
            if text.isEmpty { continue }
            let parts = text.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].split(separator: "#", omittingEmptySubsequences: false)
            guard parts.count == 2, name.count == 2, !name[0].isEmpty, name[1].allSatisfy(\.isNumber) else {
                throw MetricsError(
                    .malformed, path, "line \(number + 1): want JSON, or lines of FILE#NUMBER, a tab and a caption")
            }
            add(String(parts[1]), of: ItemID(String(name[0])).withoutExtension.text)
        }
    }
}
