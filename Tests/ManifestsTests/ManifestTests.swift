import Manifests
import Testing

private let smallest = """
    version: 1
    name: demo
    sources:
      - name: web
        format: csv
        path: list.csv
    """

@Suite("Manifest") struct ManifestTests {
    @Test("the smallest manifest has every default of the reference")
    func defaults() throws {
        let manifest = try Manifest(yaml: smallest)
        #expect(manifest.shard.samples == 10_000 && manifest.shard.zstdLevel == 3)
        #expect(manifest.image.size == 384 && manifest.image.resize == .shortestSide && manifest.image.quality == 95)
        #expect(manifest.image.maxPixels == 178_956_970)
        #expect(manifest.fetch.timeout == 10 && manifest.fetch.retries == 2 && manifest.fetch.maxBytes == 52_428_800)
        #expect(manifest.fetch.honourOptOut && !manifest.fetch.allowPrivateAddresses)
        #expect(manifest.caption.count == 10 && manifest.caption.prompt == nil)
        #expect(manifest.caption.topP == 0.9 && manifest.caption.topK == 50)
        #expect(manifest.caption.minLength == 5 && manifest.caption.maxLength == 20)
        #expect(manifest.caption.repetitionPenalty == 1.1)
        #expect(manifest.rank.keep == 2 && manifest.rank.includeOriginal && manifest.rank.keepCandidates)
        #expect(manifest.precision == .auto && manifest.bootstraps)
        #expect(manifest.sources[0].columns?.url == "url" && manifest.sources[0].limit == nil)
    }

    /// A fault put into a manifest -> the line it is reported at, its code, its key, a part of the hint.
    static let faults: [(edit: (String, String), line: Int?, code: ManifestError.Code, key: String, hint: String)] = [
        (("name: demo", "name: demo\nimage:\n  sise: 3"), 4, .unknownKey, "image.sise", "did you mean size?"),
        (("name: demo", "name: demo\ncolour: red"), 3, .unknownKey, "colour", "allowed here: version, name"),
        (("version: 1", "version: 2"), 1, .invalid, "version", "1 to 1"),
        (("name: demo", "name: demo\nseed: soon"), 3, .wrongType, "seed", "whole number"),
        (("name: demo", "name: demo\nseed: \"3\""), 3, .wrongType, "seed", "whole number"),
        (("name: demo", "name: 3"), 2, .wrongType, "name", "put it in quotes"),
        (("name: demo", "name: a b"), 2, .invalid, "name", "letters"),
        (("name: demo", "title: demo"), 1, .missingKey, "name", "add it"),
        (("format: csv", "format: xml"), 5, .invalid, "sources[0].format", "coco, vg, cc3m, cc12m"),
        (("    path: list.csv", "    path: []"), 6, .invalid, "sources[0].path", "a list of files"),
        (("name: demo", "name: demo\ncaption: {top_p: 0}"), 3, .invalid, "caption.top_p", "more than 0"),
        (("name: demo", "name: demo\ncaption: {min_length: 30}"), 3, .invalid, "caption.min_length", "max_length, 20"),
        (("name: demo", "name: demo\nrank: {keep: 12}"), 3, .invalid, "rank.keep", "at most 11"),
        (("name: demo", "name: demo\nrank: {score: clip}"), 3, .invalid, "rank.score", "one of itc, itm, sum"),
        (("name: demo", "name: demo\nfetch: {user_agent: ünï}"), 3, .invalid, "fetch.user_agent", "printable ASCII"),
        (("name: demo", "name: demo\nname: again"), 2, .syntax, "", "twice"),
        (("name: demo", "name: [demo"), 3, .syntax, "", ""),
        (("sources:", "image: 3\nsources:"), 3, .wrongType, "image", "mapping"),
        (
            ("    path: list.csv", "    path: list.csv\n    delimiter: ab"), 7, .invalid, "sources[0].delimiter",
            "one ASCII"
        ),
        (
            ("    path: list.csv", "    path: list.csv\n    header: false\n    url_column: u"), 8, .invalid,
            "sources[0].url_column", "column number"
        ),
        (
            ("    path: list.csv", "    path: list.csv\n    filter: {max_unsafe: 2}"), 7, .invalid,
            "sources[0].filter.max_unsafe", "0 to 1"
        ),
        (("    path: list.csv", "    path: list.csv\n    splits: [train]"), 7, .unknownKey, "sources[0].splits", ""),
        (
            ("    path: list.csv", "    path: list.csv\n    rewrite: [{prefix: http}]"), 7, .missingKey,
            "sources[0].rewrite[0].replacement", "begin with"
        ),
        (("name: demo", "name: demo\nexclude: {urls: []}\nverify: 1"), 4, .unknownKey, "verify", ""),
    ]

    @Test("filters, facts, rewrites and lists to leave out are read")
    func filters() throws {
        let manifest = try Manifest(
            yaml: """
                version: 1
                name: all
                exclude: {urls: u.txt, images: [a.txt, b.json], digests: d.txt}
                fetch: {verify_digests: true}
                sources:
                  - name: list
                    format: jsonl
                    path: [a.jsonl, b.jsonl]
                    image_root: [images, more.zip]
                    similarity_column: sim
                    width_column: w
                    height_column: h
                    nsfw_column: tag
                    unsafe_column: unsafe
                    language_column: lang
                    md5_column: md5
                    rewrite:
                      - {prefix: "http://old/", replacement: "https://new/"}
                    filter: {min_side: 256, min_similarity: 0.3, nsfw: [NSFW, UNSURE], max_unsafe: 0.5, languages: en,
                             min_caption_length: 5}
                  - {name: photos, format: sbu, path: sbu.json}
                  - {name: coco, format: coco, path: dataset_coco.json, captions: original}
                """)
        let list = manifest.sources[0]
        #expect(manifest.exclude.images == ["a.txt", "b.json"] && manifest.fetch.verifyDigests)
        #expect(list.imageRoots == ["images", "more.zip"] && list.columns?.facts?.similarity == "sim")
        #expect(list.rewrites.map(\.replacement) == ["https://new/"])
        #expect(
            list.filter.minSide == 256 && list.filter.nsfw == ["NSFW", "UNSURE"] && list.filter.languages == ["en"])
        #expect(manifest.sources[1].rewrites.map(\.prefix) == ["http://static.flickr.com/"])
        #expect(manifest.sources[2].splits == ["train", "restval"] && manifest.sources[2].filter == .none)
    }

    @Test("digests are compared only where each list that could give them does")
    func digests() {
        let lists = [
            ("csv", "md5_column: m"), ("jsonl", "sha256_column: s"), ("csv", ""), ("parquet", ""), ("laion", ""),
            ("coco", ""),
        ]
        func error(_ numbers: [Int]) -> String? {
            let sources = numbers.map { "{name: s\($0), format: \(lists[$0].0), path: p, \(lists[$0].1)}" }
            let yaml =
                "{version: 1, name: n, fetch: {verify_digests: true}, sources: [\(sources.joined(separator: ", "))]}"
            do {
                _ = try Manifest(yaml: yaml)
                return nil
            } catch {
                return error.keyPath == "fetch.verify_digests" ? error.hint : "\(error)"
            }
        }
        for numbers in [[0], [1], [4], [0, 1, 4, 5]] { #expect(error(numbers) == nil, "\(numbers)") }
        for numbers in [[0, 2], [3, 1], [4, 3], [2]] {
            #expect(error(numbers)?.contains("md5_column") == true, "\(numbers)")
        }
        #expect(error([5])?.hasPrefix("no source gives digests") == true)
    }

    @Test("a fault is reported with its line, its key and what is allowed", arguments: faults.indices)
    func refused(_ index: Int) throws {
        let fault = Self.faults[index]
        let yaml = smallest.replacing(fault.edit.0, with: fault.edit.1)
        try #require(yaml != smallest)
        let error = try #require(throws: ManifestError.self) { try Manifest(yaml: yaml) }
        #expect(error.code == fault.code && error.keyPath == fault.key, "\(error)")
        #expect(error.line == fault.line && error.hint.contains(fault.hint), "\(error)")
    }

    @Test("the digest changes with every setting but the output, and not with comments or order")
    func digest() throws {
        let base = try Manifest(yaml: smallest).digest()
        #expect(try Manifest(yaml: smallest + "\noutput: elsewhere # here").digest() == base)
        #expect(
            try Manifest(yaml: smallest.replacing("version: 1\nname: demo", with: "name: demo\nversion: 1")).digest()
                == base)
        for edit in [
            "seed: 1", "image: {quality: 94}", "fetch: {max_bytes: 9}", "caption: {top_k: 0}", "precision: float32",
        ] {
            #expect(try Manifest(yaml: smallest + "\n" + edit).digest() != base, "\(edit)")
        }
        // How servers are asked changes no byte of what is done.
        let manners = "fetch: {timeout: 9, retries: 7, user_agent: me, max_failure_ratio: 0.5}"
        #expect(try Manifest(yaml: smallest + "\n" + manners).digest() == base)
    }

    @Test("aliases, which can stand for gigabytes, are refused at once with their line; stars elsewhere are letters")
    func aliases() throws {
        let layers = (1...9).map {
            "l\($0): &l\($0) [\(Array(repeating: $0 == 1 ? "x" : "*l\($0 - 1)", count: 9).joined(separator: ","))]"
        }
        let error = try #require(throws: ManifestError.self) { try Manifest(yaml: layers.joined(separator: "\n")) }
        #expect(error.code == .syntax && error.line == 2 && error.hint.contains("aliases"), "\(error)")
        let stars = smallest.replacing("path: list.csv", with: "path: [part-*.csv, \"*.tsv\", 'it''s *.x', a *b] # *c")
        #expect(try Manifest(yaml: stars).sources[0].paths == ["part-*.csv", "*.tsv", "it's *.x", "a *b"])
        #expect(throws: ManifestError.self) {
            try Manifest(yaml: smallest.replacing("path: list.csv", with: "path: *x"))
        }
    }

    @Test(
        "nonsense of any kind is an error, never a crash",
        arguments: ["", "3", "[]", "a: &a [*a]", "\u{1}", "{", "- - -\n?", "!!binary x"])
    func nonsense(_ yaml: String) {
        #expect(throws: ManifestError.self) { try Manifest(yaml: yaml) }
    }
}
