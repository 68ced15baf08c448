import Builds
import Commands
import Foundation
import Logging
import Manifests
import TestSupport
import Testing

/// Lists in a folder of a test, and a manifest over the first.
private struct Lists {
    let folder: String

    init() throws { folder = try Project.temporaryFolder("lists") }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }
    func path(_ name: String) -> String { folder + "/" + name }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
    }

    func manifest(_ file: String = "list.csv", _ options: String = "", extra: String = "") throws -> Manifest {
        try Manifest(
            yaml: """
                version: 1
                name: lists
                \(extra)
                sources: [{name: s, format: csv, path: \(file), captions: original\(options)}]
                """
        ).resolved(besideFile: path("m.yaml"))
    }

    func localized(_ manifest: Manifest) async throws -> Manifest {
        try await LocalInputs(folder: path("inputs"), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            .localized(manifest)
    }
}

@Suite("The lists of a build") struct InputTests {
    @Test("are known by all of their content: an edit in the middle is noticed, a mere touch is none")
    func fingerprints() throws {
        let lists = try Lists()
        defer { lists.remove() }
        let text = "url,caption\n" + String(repeating: "http://h/i.jpg,some words\n", count: 20_000)
        try lists.write(text, to: "list.csv")
        let manifest = try lists.manifest()
        let files = try InputFiles(manifest, Fingerprints())
        try files.check()
        try lists.write(text, to: "list.csv")
        try files.check()
        var bytes = Array(text.utf8)
        bytes[bytes.count / 2] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: lists.path("list.csv")))
        let changed = #expect(throws: CommandError.self) { try files.check() }
        #expect(changed?.code == .badInput && changed?.message.contains("list.csv: changed while it was read") == true)
        let other = try InputFiles(manifest, Fingerprints())
        #expect(other.settings != files.settings && other.settings.keys == files.settings.keys)
        try lists.write(text, to: "list.csv")
        try files.check()
        unlink(lists.path("list.csv"))
        #expect(throws: CommandError.self) { try files.check() }
    }

    @Test("are unpacked where they are compressed, whatever they are called, and brought to UTF-8")
    func compressed() async throws {
        let lists = try Lists()
        defer { lists.remove() }
        let text = "url,caption\nhttp://h/1.jpg,a café\n"
        try lists.write(text, to: "list.csv")
        let packed = try Program.run(
            "/usr/bin/env",
            [
                "sh", "-c",
                "cd \(lists.folder) && gzip -k list.csv && bzip2 -k list.csv && xz -k list.csv && zstd -q list.csv && "
                    + "cp list.csv plain.csv.gz && cp list.csv.gz unnamed.csv && iconv -f utf-8 -t utf-16 list.csv > utf16.csv",
            ])
        try #require(packed.status == 0, "\(packed.errors)")
        let names = ["gz", "bz2", "xz", "zst"].map { "list.csv.\($0)" } + ["plain.csv.gz", "unnamed.csv", "utf16.csv"]
        for name in names {
            let manifest = try lists.manifest(name, name == "utf16.csv" ? ", encoding: utf-16" : "")
            let paths = try await lists.localized(manifest).sources[0].paths
            #expect(
                paths.count == 1 && paths.map { try? String(contentsOfFile: $0, encoding: .utf8) } == [text], "\(name)")
            #expect(try await lists.localized(manifest).sources[0].paths == paths, "\(name): made once")
        }
    }

    @Test("are bad input where they are cut short or at an address of an unknown kind")
    func unreadable() async throws {
        let lists = try Lists()
        defer { lists.remove() }
        try lists.write(String(repeating: "http://h/1.jpg,words\n", count: 999), to: "list.csv")
        let cut = try Program.run(
            "/usr/bin/env",
            ["sh", "-c", "cd \(lists.folder) && gzip -k list.csv && head -c 50 list.csv.gz > cut.csv.gz"])
        try #require(cut.status == 0, "\(cut.errors)")
        for (file, fault) in [("cut.csv.gz", "cut.csv.gz"), ("ftp://h/list.csv", "want a path, or an http")] {
            let error = await #expect(throws: CommandError.self) {
                _ = try await lists.localized(lists.manifest(file))
            }
            #expect(error?.code == .badInput && error?.message.contains(fault) == true, "\(file): \(error as Any)")
        }
        #expect((try? FileManager.default.contentsOfDirectory(atPath: lists.path("inputs/s"))) ?? [] == [])
    }

    @Test("are refused where all that they name is private, and where their folder of images is not there")
    func unfetchable() throws {
        let lists = try Lists()
        defer { lists.remove() }
        try lists.write("url,caption\nhttp://127.0.0.1/1.jpg,a\nhttp://10.0.0.1/2.jpg,b\n", to: "list.csv")
        let manifest = try lists.manifest()
        let error = #expect(throws: CommandError.self) { try requireFetchable(manifest.sources[0], manifest) }
        #expect(error?.message.contains("fetch.allow_private_addresses: true") == true)
        let allowed = try lists.manifest(extra: "fetch: {allow_private_addresses: true}")
        try requireFetchable(allowed.sources[0], allowed)
        try lists.write("url,caption\nhttp://127.0.0.1/1.jpg,a\nhttp://name.example/2.jpg,b\n", to: "list.csv")
        try requireFetchable(manifest.sources[0], manifest)
        let rooted = try lists.manifest("list.csv", ", image_root: none")
        let missing = #expect(throws: CommandError.self) { try requireImageRoots(rooted, "m.yaml") }
        #expect(missing?.message.hasPrefix("m.yaml: missing-file: sources[0].image_root: ") == true)
    }
}

@Suite("A request for a build") struct BuildRequestTests {
    private func manifest(_ output: String) throws -> Manifest {
        try Manifest(yaml: "{version: 1, name: n, \(output) sources: [{name: s, format: csv, path: l.csv}]}")
    }

    @Test("takes the output that was asked for, or the manifest's, as an absolute path")
    func output() throws {
        let here = FileManager.default.currentDirectoryPath
        let named = try manifest("output: out/n,")
        #expect(try BuildRequest(named, file: "m.yaml", output: nil).output == here + "/out/n")
        #expect(try BuildRequest(named, file: "m.yaml", output: "/data").output == "/data")
        #expect(try !BuildRequest(named, file: "m.yaml", output: "~/data").output.contains("~"))
    }

    @Test("is bad input without an output, or with one that is no directory")
    func refused() throws {
        for (request, fault) in [(nil, "m.yaml: missing-key: output"), ("s3://b/d", "s3://b/d: this version writes")] {
            let error = #expect(throws: CommandError.self) {
                _ = try BuildRequest(manifest(""), file: "m.yaml", output: request)
            }
            #expect(error?.code == .badInput && error?.message.contains(fault) == true)
        }
    }
}
