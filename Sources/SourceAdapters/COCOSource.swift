import Manifests
import Samples

/// COCO captions, one row an image with all its captions, which people wrote.
///
/// Three forms, known by what is in them: `dataset_coco.json` of the Karpathy split, of which `splits` are taken; the lists
/// of one caption a record, such as `coco_karpathy_train.json`; the official `captions_train2014.json`.
/// Source: cocodataset.org; cs.stanford.edu/people/karpathy/deepimagesent; salesforce/BLIP `data/coco_karpathy_dataset.py`.
package struct COCOSource: IndexedSource {
    package let name: String
    let imageRoots: [String]
    let paths: [String]
    let index = SharedIndex()
    private let splits: Set<String>

    /// The images of `paths`, in that order; an image that several of them name is one row.
    package init(name: String, paths: [String], splits: [String] = ["train", "restval"], imageRoots: [String] = []) {
        (self.name, self.paths, self.splits, self.imageRoots) = (name, paths, Set(splits), imageRoots)
    }

    func makeIndex() throws(SourceError) -> ImageIndex {
        var index = ImageIndex()
        for (file, path) in paths.enumerated() {
            try refuseForeign(path, wanted: "JSON")
            if try isArray(path) {
                try addRecords(of: elements(of: path, at: nil), file: file, to: &index) {
                    (record) throws(ValueFault) in try record.text("image")
                }
            } else if let images = try JSONElementReader(arrayIn: path, key: "images") {
                try addRecords(of: images, file: file, to: &index) { (image) throws(ValueFault) in
                    guard image.has("sentences") else { return try image.text("id") }
                    return try splits.contains(image.text("split")) ? image.text("cocoid") : nil
                }
                guard let annotations = try JSONElementReader(arrayIn: path, key: "annotations") else { continue }
                try addRecords(of: annotations, file: file, to: &index, names: false) {
                    (annotation) throws(ValueFault) in try annotation.text("image_id")
                }
            } else {
                throw SourceError(.malformed, path, "want a list of captions, or an object with images")
            }
        }
        return index
    }

    func add(_ record: JSONFields, to row: inout ListedFields) throws(ValueFault) {
        if record.has("image") {  // one caption, or a list of them
            row.place(try record.text("image"))
            row.captions += try record.texts("caption")
        } else if record.has("image_id") {  // official: an annotation
            row.captions += try record.texts("caption")
        } else if record.has("sentences") {  // Karpathy's
            let folder = try record.text("filepath")
            let file = try record.text("filename")
            row.place(folder.isEmpty || file.isEmpty ? file : folder + "/" + file)
            for sentence in try record.objects("sentences") { row.captions.append(try sentence.text("raw")) }
        } else {  // official: an image
            let file = try record.text("file_name")
            row.place(folder(of: file).map { "\($0)/\(file)" } ?? file)
            let url = try record.text("coco_url")
            if !url.isEmpty { row.url = url }
            row.addSize(record)
        }
    }

    /// `val2014` of `COCO_val2014_000000522418.jpg`.
    private func folder(of file: String) -> String? {
        let parts = file.split(separator: "_")
        return parts.count == 3 && parts[0] == "COCO" ? String(parts[1]) : nil
    }
}

extension ListedFields {
    /// What `record` says of the image's size under the usual names.
    mutating func addSize(_ record: JSONFields, prefix: String = "") {
        let facts = RowFacts(
            FactColumns(width: prefix + "width", height: prefix + "height"), text: record.text, number: record.number)
        (self.facts.width, self.facts.height) = (facts.width, facts.height)
        self.facts.unreadable = facts.unreadable
        if record.has(prefix + "width"), record.has(prefix + "height") { known.formUnion([.width, .height]) }
    }

    /// The image at `place`, a path such as `val2014/COCO_val2014_000000522418.jpg`.
    fileprivate mutating func place(_ place: String) {
        guard !place.isEmpty else { return }
        path = place
        url = "http://images.cocodataset.org/" + place
        guard let id = cocoID(ofFile: place) else { return }
        sourceID = String(id)
        facts.imageIDs = ["coco_\(id)"]
    }
}

/// 522418 of `val2014/COCO_val2014_000000522418.jpg` and of `val2017/000000522418.jpg`; nil for other names.
func cocoID(ofFile path: String) -> Int? {
    guard let file = path.split(separator: "/").last, let stem = file.split(separator: ".").first else { return nil }
    return Int(stem.split(separator: "_").last ?? stem)
}
