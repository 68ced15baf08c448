import Foundation
import TestSupport
import Testing

/// Damage is noticed and made good, and what is another's stays as it is.
@Suite("An output that lives on", .serialized) struct KeptOutputTests {
    private func built(rows: Int = 24, extra: String = "") throws -> (site: Site, manifest: String) {
        let site = try Site(count: rows)
        let manifest = try site.manifest(
            "m", captions: "original", unitRows: 4, extra: "fetch: {allow_private_addresses: true}\n\(extra)")
        let built = try site.build(manifest, to: "out")
        try #require(built.status == 0, "\(built.errors)")
        return (site, manifest)
    }

    @Test("that lost shards or tables, or has some cut short, is whole after the next build", arguments: [false, true])
    func repaired(comparesImages: Bool) throws {
        let (site, manifest) = try built(extra: comparesImages ? "deduplicate: {bytes: true}" : "")
        let expected = try site.files("out")
        let shards = site.folder + "/out/shards/"
        let names = try FileManager.default.contentsOfDirectory(atPath: shards).filter { $0.hasPrefix("demo-") }
            .sorted()
        try #require(names.count == 12)
        func cut(_ name: String, to length: off_t) { #expect(truncate(shards + name, length) == 0) }
        let damages: [(name: String, make: () -> Void)] = [
            ("every file", { for name in names { unlink(shards + name) } }),
            ("a shard", { unlink(shards + names[1]) }),
            ("a table", { unlink(shards + names[2]) }),
            ("half a shard", { cut(names[3], to: 100) }),
            ("a table that grew", { cut(names[4], to: 1 << 20) }),
            ("an empty table and shard", { for name in names[6...7] { cut(name, to: 0) } }),
        ]
        for damage in comparesImages ? damages[..<2] : damages[...] {
            damage.make()
            let again = try site.build(manifest, to: "out")
            #expect(again.status == 0 && again.errors.contains("a shard is damaged"), "\(damage.name): \(again.errors)")
            #expect(try site.files("out") == expected, "\(damage.name)")
        }
        let idle = try site.build(manifest, to: "out")
        #expect(idle.status == 0 && !idle.errors.contains("a shard is damaged"))
    }

    @Test("refuses a folder in which there is what it would write, and leaves that as it is")
    func occupied() throws {
        let site = try Site(count: 4)
        let manifest = try site.manifest(
            "m", captions: "original", unitRows: 4, extra: "fetch: {allow_private_addresses: true}")
        try FileManager.default.createDirectory(atPath: site.folder + "/out/shards", withIntermediateDirectories: true)
        for name in ["README.md", "shards/mine.tar.zst", "photo.jpg"] {
            try "mine".write(toFile: "\(site.folder)/out/\(name)", atomically: true, encoding: .utf8)
        }
        let before = try site.files("out")
        let refused = try site.build(manifest, to: "out")
        #expect(refused.status == 65 && refused.errors.contains("README.md, shards would be overwritten"))
        #expect(refused.errors.split(separator: "\n").count == 1, "\(refused.errors)")
        #expect(try site.files("out") == before)
        #expect(!FileManager.default.fileExists(atPath: site.folder + "/out/.state"))
        for name in ["README.md", "shards/mine.tar.zst"] { unlink("\(site.folder)/out/\(name)") }
        #expect(try site.build(manifest, to: "out").status == 0)
        #expect(try site.files("out")["photo.jpg"] == Data("mine".utf8))
    }

    @Test("never touches what others put there later: a card, other shards, one under its own name")
    func strangers() throws {
        let (site, manifest) = try built()
        let own = try site.files("out")
        let foreign = ["README.md", "shards/other-000000.tar.zst", "shards/other-000000.parquet", "shards/notes.txt"]
        for name in foreign {
            try "another's".write(toFile: "\(site.folder)/out/\(name)", atomically: true, encoding: .utf8)
        }
        unlink(site.folder + "/out/shards/demo-000002.tar.zst")
        let again = try site.build(manifest, to: "out")
        #expect(again.status == 0, "\(again.errors)")
        let after = try site.files("out")
        for name in foreign { #expect(after[name] == Data("another's".utf8), "\(name)") }
        #expect(after["shards/demo-000002.tar.zst"] == own["shards/demo-000002.tar.zst"])
        let verified = try Program.run(Site.pipeline, ["verify", site.folder + "/out"])
        #expect(verified.status == 0 && verified.output.contains("0 damaged"), "\(verified)")
        #expect(verified.errors.contains("other-000000.tar.zst: not in dataset.json"), "\(verified)")
    }

    @Test("takes a file under the name of a shard that is not there yet for another's")
    func takenName() throws {
        let site = try Site(count: 24)
        func build(ratio: Int, _ output: String = "out") throws -> Program.Ended {
            let extra =
                "fetch: {allow_private_addresses: true, retries: 0, outage: 0, patience: 0, max_failure_ratio: \(ratio)}"
            return try site.build(
                site.manifest("m", captions: "original", unitRows: 4, extra: extra), to: output)
        }
        #expect(try build(ratio: 1, "whole").status == 0)
        let whole = try site.status("whole")[0].samples
        let failing = try build(ratio: 0)
        let unit = try #require(failing.errors.firstMatch(of: /error: (demo-\d+): failed 3 times/)).1
        let path = "\(site.folder)/out/shards/\(unit).parquet"
        try "another's".write(toFile: path, atomically: true, encoding: .utf8)
        let refused = try build(ratio: 1)
        #expect(refused.status == 1 && refused.errors.contains("\(path): occupied: not a file"), "\(refused.errors)")
        #expect(FileManager.default.contents(atPath: path) == Data("another's".utf8))
        unlink(path)
        // Its rows were not lost with the refusal: they are not fetched again.
        site.stopServer()
        #expect(try build(ratio: 1).status == 0)
        #expect(try site.status("out")[0].samples == whole)
    }

    @Test("leaves no spool behind in a scratch folder that the worker profile names")
    func ownScratch() throws {
        let site = try Site(count: 4)
        let manifest = try site.manifest(
            "m", captions: "original", unitRows: 4, extra: "fetch: {allow_private_addresses: true}")
        let scratch = site.folder + "/fast"
        try "scratch: \(scratch)\n".write(toFile: site.folder + "/profile.yaml", atomically: true, encoding: .utf8)
        let built = try Program.run(
            Site.pipeline,
            site.buildArguments(manifest, to: "out", workers: 1) + ["--profile", site.folder + "/profile.yaml"])
        #expect(built.status == 0, "\(built.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch).isEmpty)
    }

    @Test("is found at home, and takes images from nowhere but its folders")
    func paths() throws {
        let site = try Site(count: 8)
        let images = site.folder + "/demo/images"
        let name = try #require(
            FileManager.default.contentsOfDirectory(atPath: images).sorted().first { $0.hasSuffix(".jpg") })
        let secret = site.folder + "/secret.jpg"
        try FileManager.default.copyItem(atPath: "\(images)/\(name)", toPath: secret)
        try FileManager.default.createSymbolicLink(atPath: images + "/link.jpg", withDestinationPath: secret)
        #expect(mkfifo(images + "/pipe.jpg", 0o600) == 0)
        let list = "url,caption\n\(name),a\nlink.jpg,b\npipe.jpg,c\n../../secret.jpg,d\n"
        try list.write(toFile: site.folder + "/list.csv", atomically: true, encoding: .utf8)
        func run(_ more: String, _ output: String) throws -> Program.Ended {
            try "version: 1\nname: m\nsources: [{name: s, format: csv, path: ~/list.csv, captions: original, \(more)}]"
                .write(toFile: site.folder + "/m.yaml", atomically: true, encoding: .utf8)
            return try Program.run(
                Site.pipeline, ["build", "--manifest", site.folder + "/m.yaml", "--output=~/\(output)"],
                environment: ["HOME": site.folder])
        }
        let inside = try run("image_root: ~/demo/images", "a")
        #expect(inside.status == 0 && inside.output.contains("1 of 4 rows kept in 1 shard; 3 failed"), "\(inside)")
        let following = try run("image_root: ~/demo/images, follow_links: true", "b")
        #expect(following.output.contains("2 of 4 rows kept") || following.output.contains("3 of 4"), "\(following)")
        let missing = try run("image_root: ~/none", "c")
        #expect(missing.status == 65 && missing.errors.contains("sources[0].image_root: \(site.folder)/none"))
        #expect(missing.errors.split(separator: "\n").count == 1, "\(missing.errors)")
    }
}
