import Samples

/// Visual Genome, one row an image; its captions are phrases that people wrote about regions of it.
///
/// Two forms: the lists of `{image, caption}` of ALBEF and BLIP, whose `caption` is a text or a list, and whose paths are
/// someone else's, so that their last two parts count; and `region_descriptions.json` together with `image_data.json`,
/// from whose URLs an image's folder comes. Source: salesforce/ALBEF `dataset/caption_dataset.py`; visualgenome.org.
package struct VGSource: IndexedSource {
    package let name: String
    let imageRoots: [String]
    let paths: [String]
    let index = SharedIndex()

    /// The images of `paths`; region descriptions need the image data among them.
    package init(name: String, paths: [String], imageRoots: [String] = []) {
        func isImageData(_ path: String) -> Bool { path.split(separator: "/").last?.contains("image_data") == true }
        // Image data first: they say which images there are.
        self.paths = paths.filter(isImageData) + paths.filter { !isImageData($0) }
        (self.name, self.imageRoots) = (name, imageRoots)
    }

    func makeIndex() throws(SourceError) -> ImageIndex {
        var index = ImageIndex()
        for (file, path) in paths.enumerated() {
            try refuseForeign(path, wanted: "JSON")
            let isRegions = try isOfRegions(path)
            if isRegions, index.records.isEmpty {
                throw SourceError(.malformed, path, "region descriptions need image_data.json in the same path list")
            }
            try addRecords(of: elements(of: path, at: nil), file: file, to: &index, names: !isRegions) {
                (record) throws(ValueFault) in
                try record.has("image") ? lastTwoParts(record.text("image")) : record.imageID
            }
        }
        return index
    }

    private func isOfRegions(_ path: String) throws(SourceError) -> Bool {
        guard case .text(let bytes)? = try elements(of: path, at: nil).next() else { return false }
        return JSONFields(bytes)?.has("regions") == true
    }

    func add(_ record: JSONFields, to row: inout ListedFields) throws(ValueFault) {
        if record.has("image") {
            let path = lastTwoParts(try record.text("image"))
            guard !path.isEmpty else { return }
            (row.path, row.url) = (path, "https://cs.stanford.edu/people/rak248/" + path)
            row.sourceID = cocoID(ofFile: path).map(String.init) ?? ""
            row.captions += try record.texts("caption")
        } else if record.has("regions") {
            for region in try record.objects("regions") { row.captions.append(try region.text("phrase")) }
        } else {
            row.url = try record.text("url")
            if !row.url.isEmpty { row.path = lastTwoParts(row.url) }
            row.sourceID = try record.imageID
            row.addSize(record)
            // Half of the images are COCO's too; `null` and −1 say that one is not.
            if let coco = try record.int("coco_id"), coco > 0 { row.facts.imageIDs.append("coco_\(coco)") }
        }
        if !row.sourceID.isEmpty, row.facts.imageIDs.allSatisfy({ !$0.hasPrefix("vg_") }) {
            row.facts.imageIDs.append("vg_" + row.sourceID)
        }
    }
}

extension JSONFields {
    /// Version 1.0 of Visual Genome calls it `id`, the later ones `image_id`.
    fileprivate var imageID: String {
        get throws(ValueFault) { try has("image_id") ? text("image_id") : text("id") }
    }
}

/// `VG_100K_2/1.jpg` of any longer path or URL.
private func lastTwoParts(_ path: String) -> String {
    path.split(separator: "/").suffix(2).joined(separator: "/")
}
