import Foundation

/// `captions.json` of a clean data set: its captions in the form in which COCO distributes its own, to score others by.
///
/// An image's id is the number of its row, which the lists' column `id` names.
struct DemoReferences {
    private let dataset: DemoDataset

    init(_ dataset: DemoDataset) { self.dataset = dataset }

    /// The file: `images`, each with its `id`, and `annotations` with `id`, `image_id` and `caption`.
    func captions() throws -> Data {
        let captions = dataset.rows.flatMap { row in dataset.captions(row).map { (row.row, $0) } }
        let file = File(
            images: dataset.rows.map { Image(id: $0.row) },
            annotations: captions.enumerated().map { Annotation(id: $0, image_id: $1.0, caption: $1.1) })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(file) + Data("\n".utf8)
    }

    private struct Image: Encodable { let id: Int }

    // swift-format-ignore: AlwaysUseLowerCamelCase
    private struct Annotation: Encodable {
        let id: Int
        let image_id: Int
        let caption: String
    }

    private struct File: Encodable {
        let images: [Image]
        let annotations: [Annotation]
    }
}
