import Manifests
import Samples

/// SBU Captioned Photos: the released JSON of columns, the pair of text files, or a list of objects as LAVIS has it.
///
/// Source: `sbu-captions-all.json`; `SBU_captioned_photo_dataset_urls.txt` with `…_captions.txt`; LAVIS's `sbu.json`.
package struct SBUSource: ListSource {
    private enum Form {
        case columns(path: String)
        case pair(urls: String, captions: String)
        case objects(path: String)
    }

    package let name: String
    let imageRoots: [String]
    private let forms: [Form]
    var fileCount: Int { forms.count }

    /// The rows of `paths`, in that order: JSON files, or a file of URLs and one of captions.
    package init(name: String, paths: [String], imageRoots: [String] = []) throws(SourceError) {
        (self.name, self.imageRoots) = (name, imageRoots)
        var forms: [Form] = []
        let texts = paths.filter { $0.hasSuffix(".txt") }
        if !texts.isEmpty {
            let captions = texts.filter { $0.contains("caption") && !$0.contains("_urls") }
            guard let urls = texts.first(where: { !captions.contains($0) }), texts.count == 2, captions.count == 1
            else {
                throw SourceError(
                    .malformed, texts[0], "want two .txt files: one with URLs, one whose name says captions")
            }
            forms.append(.pair(urls: urls, captions: captions[0]))
        }
        for path in paths where !path.hasSuffix(".txt") {
            forms.append(try isArray(path) ? .objects(path: path) : .columns(path: path))
        }
        self.forms = forms
    }

    func examine(file: Int) throws(SourceError) -> HeadRows {
        switch forms[file] {
        case .pair(let urls, let captions):
            for path in [urls, captions] { try refuseForeign(path, wanted: "lines of text") }
        case .columns(let path), .objects(let path): try refuseForeign(path, wanted: "JSON")
        }
        return try HeadRows(cursor(file: file, at: nil))
    }

    func cursor(file: Int, at position: InputPosition?) throws(SourceError) -> any ListCursor {
        switch forms[file] {
        case .pair(let urls, let captions):
            return PairedRecords(
                file: file, try LineReader(urls, at: position?.offset ?? 0, keepsBlankLines: true),
                try LineReader(captions, at: position?.companion ?? 0, keepsBlankLines: true)
            ) { url, caption in
                ListedFields(url: urlText(of: url), captions: [text(of: caption)])
            }
        case .columns(let path):
            return PairedRecords(
                file: file, try column("image_urls", path, position?.offset),
                try column("captions", path, position?.companion)
            ) { url, caption in
                var row = ListedFields()
                do throws(ValueFault) {
                    row.url = try jsonURL(url, "image_urls")
                    row.captions = [try jsonText(caption, "captions")]
                } catch {
                    row.fault = error.text
                }
                return row
            }
        case .objects(let path):
            let reader = try elements(of: path, at: position?.offset)
            return RecordCursor(file: file, reader: reader) { bytes in
                guard let object = JSONFields(bytes) else { return ListedFields(fault: "not a JSON object") }
                var row = ListedFields(object, .standard)
                do throws(ValueFault) {
                    let image = try object.text("image")
                    if !image.isEmpty { row.path = image }
                } catch {
                    row.fault = error.text
                }
                return row
            }
        }
    }

    private func column(_ key: String, _ path: String, _ offset: Int?) throws(SourceError) -> any RecordReader {
        if let offset { return try JSONElementReader(path, at: offset) }
        guard let reader = try JSONElementReader(arrayIn: path, key: key) else {
            throw SourceError(.malformed, path, "no key \(key); want image_urls and captions")
        }
        return reader
    }
}
