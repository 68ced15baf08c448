import Files
import Foundation
import Tables

/// Lists in the shape of every source's, with made-up rows: to try manifests and planning out without any download.
///
/// Captions and URLs have about the lengths of the real ones, and the oddities: quotes, tabs' absence, entities, nulls.
package struct SampleLists: Sendable {
    private let folder: String
    private let rows: Int

    /// Lists of `rows` rows below the folder `folder`, laid out as the ready manifests have them.
    package init(_ folder: String, rows: Int) {
        (self.folder, self.rows) = (folder, rows)
    }

    /// Writes the lists of all sources but archives.
    package func writeAll() throws {
        try writeCOCO()
        try writeVisualGenome()
        try writeConceptual()
        try writeSBU()
        try writeLAION(parts: 2)
        try write("laion115m/laion_original.json", opening: "[", closing: "]", separator: ", ") { row in
            #"{"url": \#(json(url(row))), "caption": \#(json(caption(row)))}"#
        }
    }

    /// LAION's Parquet parts, alike in columns and types.
    package func writeLAION(parts: Int) throws {
        try FileManager.default.createDirectory(atPath: folder + "/laion", withIntermediateDirectories: true)
        for part in 0..<parts {
            let number = String(part)
            let name = "part-" + String(repeating: "0", count: max(0, 5 - number.count)) + number
            let table = try TableWriter(
                path: "\(folder)/laion/\(name).parquet",
                columns: [
                    ("SAMPLE_ID", .double), ("URL", .string), ("TEXT", .string), ("HEIGHT", .double),
                    ("WIDTH", .double), ("LICENSE", .string), ("NSFW", .string), ("similarity", .double),
                ], level: 1)
            for row in (rows * part / parts)..<(rows * (part + 1) / parts) { try table.append(laion(row)) }
            try table.finish()
        }
    }

    private func laion(_ row: Int) -> [Cell] {
        var random = random(row)
        let tag = random.below(200)
        return [
            .double(Double(row) * 4_294_967_311), .string(url(row)),
            random.below(500) == 0 ? .null : .string(caption(row)),
            .double(Double(100 + random.below(900))), .double(Double(100 + random.below(900))), .string("?"),
            tag == 0 ? .null : .string(tag < 4 ? "NSFW" : tag < 10 ? "UNSURE" : "UNLIKELY"),
            .double(random.number(in: 0.3...0.4)),
        ]
    }

    private func writeCOCO() throws {
        let images = max(1, rows / 5)
        func file(_ row: Int) -> String { "COCO_val2014_" + padded(row) + ".jpg" }
        try write("coco/dataset_coco.json", rows: images, opening: #"{"images": ["#, closing: #"], "dataset": "coco"}"#)
        {
            let split = ["train", "train", "restval", "val", "test"][$0 % 5]
            let captions = (0..<5).map { [row = $0] in #"{"raw": \#(json(caption(row * 5 + $0))), "tokens": []}"# }
            return #"{"filepath": "val2014", "filename": "\#(file($0))", "cocoid": \#($0), "split": "\#(split)", "#
                + #""sentences": [\#(captions.joined(separator: ", "))]}"#
        }
        try write("coco/coco_karpathy_train.json", opening: "[", closing: "]") {
            #"{"caption": \#(json(caption($0) + " ")), "image": "val2014/\#(file($0 / 5))", "image_id": "coco_\#($0 / 5)"}"#
        }
        for split in [("val", 3), ("test", 4)] {
            try write("coco/coco_karpathy_\(split.0).json", rows: max(1, images / 5), opening: "[", closing: "]") {
                #"{"image": "val2014/\#(file($0 * 5 + split.1))", "caption": [\#(json(caption($0)))]}"#
            }
        }
    }

    private func writeVisualGenome() throws {
        let images = max(1, rows / 8)
        try write("vg/vg_caption.json", opening: "[", closing: "]") {
            #"{"image": "/export/home/vg/VG_100K_2/\#($0 / 8).jpg", "caption": \#(json(caption($0)))}"#
        }
        try write("vg/image_data.json", rows: images, opening: "[", closing: "]") {
            #"{"width": 800, "url": "https://cs.stanford.edu/people/rak248/VG_100K_2/\#($0).jpg", "height": 600, "#
                + #""image_id": \#($0), "coco_id": \#($0 % 2 == 0 ? "null" : "\($0)"), "flickr_id": null}"#
        }
        try write("vg/region_descriptions.json", rows: images, opening: "[", closing: "]") {
            let regions = (0..<8).map { [row = $0] region in
                #"{"region_id": \#(row * 8 + region), "image_id": \#(row), "phrase": \#(json(caption(row * 8 + region))), "#
                    + #""x": 1, "y": 2, "width": 30, "height": 40}"#
            }
            return #"{"id": \#($0), "regions": [\#(regions.joined(separator: ", "))]}"#
        }
    }

    private func writeConceptual() throws {
        try write("cc3m/Train_GCC-training.tsv") { "\(caption($0))\t\(url($0))\n" }
        try write("cc12m/cc12m.tsv") { "\(url($0))\t\($0 % 9 == 0 ? "\"<PERSON>" : "")\(caption($0))\n" }
    }

    private func writeSBU() throws {
        func photo(_ row: Int) -> String { "http://static.flickr.com/2723/\(row)_b0f291553e.jpg" }
        func column(_ name: String, _ value: @escaping (Int) -> String) throws -> String {
            #""\#(name)": ["# + (0..<rows).map { json(value($0)) }.joined(separator: ", ") + "]"
        }
        let columns = try [
            column("image_urls", photo), column("user_ids") { "\($0)@N08" }, column("captions", caption),
        ]
        try write("sbu/sbu-captions-all.json", rows: 1, opening: "{", closing: "}") { _ in
            columns.joined(separator: ", ")
        }
        try write("sbu/SBU_captioned_photo_dataset_urls.txt") { photo($0) + "\n" }
        try write("sbu/SBU_captioned_photo_dataset_captions.txt") { caption($0) + "\n" }
    }

    /// Writes a text file row by row.
    private func write(
        _ name: String, rows count: Int? = nil, opening: String = "", closing: String = "", separator: String? = nil,
        row: (Int) -> String
    ) throws {
        let path = folder + "/" + name
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        let between = opening.isEmpty ? "" : separator ?? ", "
        try writeFile(path) { file in
            var text = opening
            for index in 0..<(count ?? rows) {
                text += (index > 0 ? between : "") + row(index)
                guard text.utf8.count > 1 << 20 else { continue }
                try file.write(Array(text.utf8))
                text = ""
            }
            try file.write(Array((text + closing).utf8))
        }
    }

    private func random(_ row: Int) -> DemoRandom { DemoRandom(seed: 4, stream: UInt64(row)) }

    private func url(_ row: Int) -> String {
        var random = random(row)
        let host = random.below(5000)
        return "https://cdn\(host).example.com/images/\(String(random.next(), radix: 16))/\(row).jpg"
    }

    private func caption(_ row: Int) -> String {
        let words = [
            "a", "the", "red", "photo", "of", "dog", "street", "5\"", "caf\u{e9}", "&amp;", "old", "house", "on",
        ]
        var random = random(row)
        return (0..<(4 + random.below(12))).map { _ in random.pick(words) }.joined(separator: " ")
    }

    private func padded(_ number: Int) -> String {
        String(repeating: "0", count: max(0, 12 - String(number).count)) + String(number)
    }
}

/// `text` as a JSON string.
private func json(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
}
