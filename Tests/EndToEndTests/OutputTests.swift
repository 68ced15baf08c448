import Foundation
import TestSupport
import Testing

/// What `read_output.py` tells of one shard.
private struct Shard: Decodable {
    struct Sample: Decodable {
        struct Meta: Decodable {
            struct Caption: Decodable {
                let text: String
                let score: Double
                let origin: String
            }
            let key: String
            let width: Int
            let height: Int
            let captions: [Caption]
            let candidates: [Caption]
        }
        let key: String
        let suffix: String
        let size: [Int]
        let text: String
        let captions: [String]
        let meta: Meta
    }
    struct Row: Decodable {
        let key: String
        let status: String
        let error_message: String?
        let caption: String?
        let candidates: [String]
    }
    let members: [String]
    let samples: [Sample]
    let rows: [Row]
}

private struct Truth: Decodable {
    let row: Int
    let expected_status: String
}

@Suite("An output", .serialized) struct OutputTests {
    @Test("opens with GNU tar, webdataset and pyarrow; every row is there with the fate that it deserves")
    func othersTools() throws {
        let site = try Site(count: 120)
        try site.makeCheckpoints()
        let manifest = try site.manifest(
            "m", captions: "bootstrap", unitRows: 50,
            extra:
                "fetch: {allow_private_addresses: true, retries: 0}\ncaption: {model: captioner}\nrank: {model: ranker}"
        )
        let built = try site.build(manifest, to: "out")
        try #require(built.status == 0, "\(built.errors)")
        let script = Project.root + "/Tests/EndToEndTests/read_output.py"
        let printed = try Python.run(file: script, [site.folder + "/out"])
        let shards = try JSONDecoder().decode([String: Shard].self, from: Data(printed.utf8))
        #expect(shards.keys.sorted() == ["demo-000000", "demo-000001", "demo-000002"])

        let truth = try String(contentsOfFile: site.folder + "/demo/truth.jsonl", encoding: .utf8)
            .split(separator: "\n").map { try JSONDecoder().decode(Truth.self, from: Data($0.utf8)) }
        let rows = shards.keys.sorted().flatMap { shards[$0]?.rows ?? [] }
        #expect(rows.map(\.key) == (0..<120).map { "demo-" + String(format: "%012d", $0) })
        for (row, truth) in zip(rows, truth) {
            #expect(row.status == truth.expected_status, "\(row.key): \(row.error_message ?? "")")
        }
        for shard in shards.values { try check(shard) }
    }

    private func check(_ shard: Shard) throws {
        #expect(shard.samples.map(\.key) == shard.rows.filter { $0.status == "success" }.map(\.key))
        #expect(
            shard.members
                == shard.samples.flatMap { sample in
                    [sample.suffix, "txt", "json", "meta.json"].map { "\(sample.key).\($0)" }
                })
        for sample in shard.samples {
            let meta = sample.meta
            #expect(sample.size == [meta.width, meta.height] && meta.key == sample.key)
            #expect((1...2).contains(sample.captions.count) && sample.captions.first == sample.text)
            #expect(meta.captions.map(\.text) == sample.captions)
            #expect(meta.candidates.filter { $0.origin == "blip" }.count == 10)
            let best = meta.candidates.map(\.score).max()
            #expect(meta.captions.first?.score == best)
        }
    }

    @Test("says of a damaged shard which it is, and ends with 1")
    func damaged() throws {
        let site = try Site(count: 12)
        let manifest = try site.manifest(
            "m", captions: "original", unitRows: 6, extra: "fetch: {allow_private_addresses: true}")
        try #require(site.build(manifest, to: "out").status == 0)
        let path = site.folder + "/out/shards/demo-000001.tar.zst"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count / 2] ^= 4
        try bytes.write(to: URL(fileURLWithPath: path))
        let verified = try Program.run(Site.pipeline, ["verify", site.folder + "/out"])
        #expect(verified.status == 1)
        #expect(verified.errors.contains("demo-000001.tar.zst") && !verified.errors.contains("demo-000000"))
        #expect(verified.output.contains("1 damaged"))
    }

    @Test("has a report that is one file, with every picture in it and nothing from elsewhere")
    func report() throws {
        let site = try Site(count: 12)
        let manifest = try site.manifest(
            "m", captions: "original", unitRows: 6, extra: "fetch: {allow_private_addresses: true}")
        try #require(site.build(manifest, to: "out").status == 0)
        let ended = try Program.run(Site.pipeline, ["report", site.folder + "/out"])
        #expect(ended.status == 0, "\(ended.errors)")
        let html = try String(contentsOfFile: site.folder + "/out/report.html", encoding: .utf8)
        #expect(html.contains("data:image/jpeg;base64,") && html.contains("Content-Security-Policy"))
        #expect(!html.contains("src=\"http") && !html.contains("<link"))
    }
}

@Suite("The executables") struct ExecutableTests {
    @Test("those that run no model link no libtorch, the others do and link no libpq")
    func libtorch() throws {
        for (name, links) in [
            ("pipeline", false), ("pipeline-coordinator", false), ("pipeline-worker", true), ("blip2", true),
        ] {
            let ended = try Program.run("/usr/bin/env", ["ldd", "\(Project.executables)/\(name)"])
            try #require(ended.status == 0, "\(ended.errors)")
            #expect(ended.output.contains("libtorch") == links, "\(name)")
            #expect(!ended.output.contains("not found"), "\(ended.output)")
            // Workers know the coordinator only, never its database.
            #expect(!links || !ended.output.contains("libpq"), "\(name)")
        }
    }

    @Test("each says its version and helps with examples")
    func help() throws {
        for name in ["pipeline", "pipeline-coordinator", "pipeline-worker", "blip2"] {
            #expect(try Program.run("\(Project.executables)/\(name)", ["--version"]).output == "0.1.0\n")
            let help = try Program.run("\(Project.executables)/\(name)", ["--help"])
            #expect(help.status == 0 && help.output.contains("EXAMPLE"), "\(name)")
        }
    }

    @Test("the libraries can be built into another package, without libtorch", .timeLimit(.minutes(10)))
    func products() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let site = try Site(count: 8)
        let manifest = try site.manifest(
            "m", captions: "original", unitRows: 8, extra: "fetch: {allow_private_addresses: true}")
        try #require(site.build(manifest, to: "out").status == 0)
        try FileManager.default.createDirectory(atPath: folder + "/Sources/reader", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/blip2-pipeline", withDestinationPath: Project.root)
        try """
        // swift-tools-version: 6.2
        import PackageDescription
        let package = Package(
            name: "reader", dependencies: [.package(path: "blip2-pipeline")],
            targets: [
                .executableTarget(name: "reader", dependencies: [.product(name: "Shards", package: "blip2-pipeline")]),
                .executableTarget(name: "trainer", dependencies: [.product(name: "Loading", package: "blip2-pipeline")]),
            ])
        """.write(toFile: folder + "/Package.swift", atomically: true, encoding: .utf8)
        try """
        import Shards
        @main struct Reader {
            static func main() throws {
                let reader = try ShardReader(path: CommandLine.arguments[1])
                while let sample = try reader.next() { print(sample.key, sample.metadata.captions[0].text) }
            }
        }
        """.write(toFile: folder + "/Sources/reader/Reader.swift", atomically: true, encoding: .utf8)
        // The example of docs/loading.md, as it stands there.
        let page = try String(contentsOfFile: Project.root + "/docs/loading.md", encoding: .utf8)
        let example = try #require(page.firstMatch(of: /```swift\n(import Loading\n(?s:.*?))```/)).output.1
        try FileManager.default.createDirectory(atPath: folder + "/Sources/trainer", withIntermediateDirectories: true)
        try String(example).write(toFile: folder + "/Sources/trainer/Trainer.swift", atomically: true, encoding: .utf8)
        let built = try Program.run(
            "/usr/bin/env", ["swift", "build", "--disable-index-store", "--package-path", folder])
        try #require(built.status == 0, "\(built.output)\(built.errors)")
        let read = try Program.run(folder + "/.build/debug/reader", [site.folder + "/out/shards/demo-000000.tar.zst"])
        #expect(read.status == 0 && read.output.contains("demo-000000000"), "\(read.errors)")
        let trained = try Program.run(folder + "/.build/debug/trainer", [site.folder + "/out"])
        let lines = trained.output.split(separator: "\n")
        #expect(trained.status == 0 && lines.count == 3, "\(trained.errors)")
        #expect(lines.allSatisfy { $0.contains("demo-000000000") && $0.hasSuffix(" 150528") }, "\(lines)")
        let links = try Program.run("/usr/bin/env", ["ldd", folder + "/.build/debug/trainer"]).output
        for library in ["libtorch", "libcurl", "libarrow", "libarchive"] { #expect(!links.contains(library)) }
    }
}
