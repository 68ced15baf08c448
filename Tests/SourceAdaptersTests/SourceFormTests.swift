import Foundation
import Manifests
import Samples
import SourceAdapters
import Tables
import TestSupport
import Testing

/// An image as the lists of this suite know it.
private struct Listed: Sendable {
    let number: Int
    var captions: [String] { (0...(number % 3)).map { "caption \($0) of \(number), \"quoted\" [\"},{\"] ünï 猫" } }
    var file: String { "COCO_val2014_" + String(format: "%012d", number) + ".jpg" }
}

/// One form in which a source's lists exist, written by another hand than the adapter's.
private struct Form: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Whether rows hold all captions of an image; otherwise the first.
    var hasAllCaptions = false
    /// Writes the list of the images into a folder, and gives the adapter that reads it.
    let write: @Sendable ([Listed], String) throws -> any SourceAdapter
}

private func json(_ value: Any, to path: String) throws -> String {
    try JSONSerialization.data(withJSONObject: value).write(to: URL(fileURLWithPath: path))
    return path
}

private func lines(_ lines: [String], to path: String) throws -> String {
    try lines.map { $0 + "\n" }.joined().write(toFile: path, atomically: false, encoding: .utf8)
    return path
}

/// A tar in img2dataset's layout.
private func tar(_ images: [Listed], to path: String) throws -> String {
    let script = """
        import io, json, subprocess, sys, tarfile
        path, plain = sys.argv[1], sys.argv[1].removesuffix(".zst")
        with tarfile.open(plain, "w:gz" if path.endswith("gz") else "w") as t:
            for line in sys.stdin:
                row = json.loads(line)
                members = [(".jpg", b"image %d" % row["n"]), (".txt", row["c"].encode()),
                           (".json", json.dumps({"caption": row["c"], "url": row["u"], "status": "success"}).encode())]
                for ending, data in members:
                    info = tarfile.TarInfo("00000/%09d" % row["n"] + ending); info.size = len(data)
                    t.addfile(info, io.BytesIO(data))
        if plain != path: subprocess.run(["zstd", "-q", "--rm", plain, "-o", path], check=True)
        """
    let rows = try images.map {
        let row: [String: Any] = ["n": $0.number, "c": $0.captions[0], "u": "http://h/\($0.number).jpg"]
        return String(decoding: try JSONSerialization.data(withJSONObject: row), as: UTF8.self)
    }
    let input = try lines(rows, to: path + ".rows")
    let ended = try Program.run("/bin/sh", ["-c", "python3 -c \"$0\" \"$1\" < \"$2\"", script, path, input])
    try #require(ended.status == 0, "\(ended.errors)")
    return path
}

/// Columns of LAION's, with numbers of any type, as its copies have them.
private func laion(_ images: [Listed], to path: String, wholeNumbers: Bool) throws -> String {
    let table = try TableWriter(
        path: path,
        columns: [
            ("SAMPLE_ID", .double), ("URL", .string), ("TEXT", .string), ("HEIGHT", wholeNumbers ? .int64 : .double),
            ("WIDTH", wholeNumbers ? .int64 : .double), ("NSFW", .string), ("similarity", .double),
        ])
    for image in images {
        let (height, width) = (300 + image.number, 400)
        try table.append([
            .double(9e15), .string("http://h/\(image.number).jpg"), .string(image.captions[0]),
            wholeNumbers ? .int(height) : .double(Double(height)), wholeNumbers ? .int(width) : .double(Double(width)),
            image.number % 2 == 0 ? .null : .string("UNLIKELY"), .double(0.25 + Double(image.number) / 1000),
        ])
    }
    try table.finish()
    return path
}

private let forms: [Form] = [
    Form(testDescription: "coco: Karpathy's dataset_coco.json", hasAllCaptions: true) { images, folder in
        let others = ["val", "test"].map { split in
            ["filepath": "val2014", "filename": "x.jpg", "cocoid": 1_000_000, "split": split, "sentences": []]
                as [String: Any]
        }
        let list: [[String: Any]] = images.map {
            [
                "filepath": "val2014", "filename": $0.file, "cocoid": $0.number,
                "split": $0.number % 2 == 0 ? "train" : "restval",
                "sentences": $0.captions.map { ["raw": $0, "tokens": []] },
            ]
        }
        let path = try json(["images": others + list + others, "dataset": "coco"], to: folder + "/dataset_coco.json")
        return COCOSource(name: "s", paths: [path], imageRoots: [folder])
    },
    Form(testDescription: "coco: BLIP's list of captions", hasAllCaptions: true) { images, folder in
        // Not image by image: first every image's first caption, then the second ones.
        let list = (0..<3).flatMap { index in
            images.filter { $0.captions.count > index }.map {
                ["caption": $0.captions[index] + " ", "image": "val2014/" + $0.file, "image_id": "coco_\($0.number)"]
            }
        }
        return COCOSource(
            name: "s", paths: [try json(list, to: folder + "/coco_karpathy_train.json")], imageRoots: [folder])
    },
    Form(testDescription: "coco: the official captions", hasAllCaptions: true) { images, folder in
        let annotations = images.flatMap { image in
            image.captions.map { ["image_id": image.number, "caption": $0] as [String: Any] }
        }
        let list: [[String: Any]] = images.map {
            ["id": $0.number, "file_name": $0.file, "width": 640, "height": 480, "coco_url": "http://h/" + $0.file]
        }
        let object: [String: Any] = ["info": ["a": "]}"], "annotations": annotations, "images": list, "licenses": []]
        return COCOSource(
            name: "s", paths: [try json(object, to: folder + "/captions_val2014.json")], imageRoots: [folder])
    },
    Form(testDescription: "vg: a list of captions, someone else's paths", hasAllCaptions: true) { images, folder in
        let list: [[String: Any]] = images.flatMap { image -> [[String: Any]] in
            let path = "/export/share/vg/VG_100K/\(image.number).jpg"
            return image.number % 2 == 0
                ? [["image": path, "caption": image.captions]] : image.captions.map { ["image": path, "caption": $0] }
        }
        return VGSource(name: "s", paths: [try json(list, to: folder + "/vg_caption.json")], imageRoots: [folder])
    },
    Form(testDescription: "vg: region descriptions and image data", hasAllCaptions: true) { images, folder in
        let data: [[String: Any]] = images.map {
            [
                "image_id": $0.number, "url": "https://cs.stanford.edu/people/rak248/VG_100K/\($0.number).jpg",
                "width": 800, "height": 600, "coco_id": $0.number % 2 == 0 ? NSNull() : $0.number as Any,
            ]
        }
        let regions: [[String: Any]] = images.reversed().map { image in
            [
                "id": image.number,
                "regions": image.captions.map { ["phrase": $0, "image_id": image.number] as [String: Any] },
            ]
        }
        let paths = [
            try json(regions, to: folder + "/region_descriptions.json"),
            try json(data, to: folder + "/image_data.json"),
        ]
        return VGSource(name: "s", paths: paths, imageRoots: [folder])
    },
    Form(testDescription: "sbu: columns") { images, folder in
        let object: [String: Any] = [
            "image_urls": images.map { "http://h/\($0.number).jpg" }, "user_ids": images.map { "\($0.number)@N08" },
            "captions": images.map { $0.captions[0] },
        ]
        return try SBUSource(name: "s", paths: [try json(object, to: folder + "/sbu-captions-all.json")])
    },
    Form(testDescription: "sbu: two text files") { images, folder in
        try SBUSource(
            name: "s",
            paths: [
                try lines(images.map { $0.captions[0] }, to: folder + "/SBU_captioned_photo_dataset_captions.txt"),
                try lines(
                    images.map { "http://h/\($0.number).jpg" }, to: folder + "/SBU_captioned_photo_dataset_urls.txt"),
            ])
    },
    Form(testDescription: "sbu: LAVIS's list") { images, folder in
        let list = images.map {
            ["image": "\($0.number).jpg", "url": "http://h/\($0.number).jpg", "caption": $0.captions[0]]
        }
        return try SBUSource(name: "s", paths: [try json(list, to: folder + "/sbu.json")])
    },
    Form(testDescription: "laion: Parquet, sizes whole") { images, folder in
        let half = images.count / 2
        return LAIONSource(
            name: "s",
            paths: [
                try laion(Array(images[..<half]), to: folder + "/part-0.parquet", wholeNumbers: true),
                try laion(Array(images[half...]), to: folder + "/part-1.parquet", wholeNumbers: true),
            ])
    },
    Form(testDescription: "laion: Parquet, sizes with points") { images, folder in
        LAIONSource(name: "s", paths: [try laion(images, to: folder + "/part-0.parquet", wholeNumbers: false)])
    },
    Form(testDescription: "laion: BLIP's JSON array") { images, folder in
        let list = images.map { ["url": "http://h/\($0.number).jpg", "caption": $0.captions[0]] }
        return LAIONSource(name: "s", paths: [try json(list, to: folder + "/laion.json")])
    },
    Form(testDescription: "parquet, captions in lists", hasAllCaptions: true) { images, folder in
        let table = try TableWriter(path: folder + "/l.parquet", columns: [("link", .string), ("texts", .stringList)])
        for image in images { try table.append([.string("http://h/\(image.number).jpg"), .strings(image.captions)]) }
        try table.finish()
        return ParquetSource(
            name: "s", paths: [folder + "/l.parquet"], columns: Columns(url: "link", caption: "texts"))
    },
    Form(testDescription: "webdataset: tar") { images, folder in
        WebDatasetSource(
            name: "s",
            paths: [
                try tar(Array(images[..<40]), to: folder + "/0.tar"),
                try tar(Array(images[40...]), to: folder + "/1.tar"),
            ])
    },
    Form(testDescription: "webdataset: tar.gz") { images, folder in
        WebDatasetSource(
            name: "s",
            paths: [
                try tar(Array(images[..<40]), to: folder + "/0.tar.gz"),
                try tar(Array(images[40...]), to: folder + "/1.tar.gz"),
            ])
    },
    Form(testDescription: "webdataset: tar.zst") { images, folder in
        WebDatasetSource(name: "s", paths: [try tar(images, to: folder + "/0.tar.zst")])
    },
]

@Suite("Every form of a source's lists") struct SourceFormTests {
    private static let images = (0..<97).map(Listed.init)

    @Test("gives every image exactly once with its captions, the same whatever the unit size", arguments: forms)
    fileprivate func everyRowOnce(_ form: Form) throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let adapter = try form.write(Self.images, folder)
        let whole = try readAll(adapter, unitRows: 1000)
        #expect(whole.map(\.id.row) == Array(0..<97))
        for (row, image) in zip(whole, Self.images) {
            #expect(row.captions == (form.hasAllCaptions ? image.captions : [image.captions[0]]), "\(row)")
            #expect(row.url.contains("\(image.number).jpg"), "\(row.url)")
        }
        for unitRows in [1, 2, 7, 32, 33, 96, 97] {
            let rows = try readAll(adapter, unitRows: unitRows)
            #expect(rows.map(\.url) == whole.map(\.url) && rows.map(\.captions) == whole.map(\.captions), "\(unitRows)")
        }
        #expect(try readAll(adapter, unitRows: 10, limit: 25).map(\.url) == whole.prefix(25).map(\.url))
    }
}

extension ListedRow {
    fileprivate var captions: [String] {
        guard case .kept(let row) = outcome else { return ["rejected: \(outcome)"] }
        return row.captions.map(\.text)
    }
}
