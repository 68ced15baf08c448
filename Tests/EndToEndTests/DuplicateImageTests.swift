import Foundation
import TestSupport
import Testing

@Suite("Images that are there more than once")
struct DuplicateImageTests {
    /// A list of images on disk: each once, then a copy of each, then each in half its size and a worse quality, then one
    /// of them five times more.
    private func list(_ site: Site) throws -> (pictures: Int, all: Int) {
        let images = site.folder + "/demo/images"
        let script = """
            import os, sys, shutil
            from PIL import Image
            folder = sys.argv[1]
            for name in sorted(os.listdir(folder)):
                try:
                    image = Image.open(os.path.join(folder, name)).convert("RGB")
                except Exception:
                    os.remove(os.path.join(folder, name))
                    continue
                image.resize((image.width * 3 // 4, image.height * 3 // 4)).save(f"{folder}/{name}-small.jpg", quality=80)
                shutil.copy(f"{folder}/{name}", f"{folder}/{name}-copy.jpg")
                print(name)
            """
        let names = try Python.run(script, [images]).split(separator: "\n").map(String.init)
        let first = try #require(names.first)
        for number in 0..<5 {
            try FileManager.default.copyItem(atPath: "\(images)/\(first)", toPath: "\(images)/again\(number).jpg")
        }
        let rows =
            names + names.map { $0 + "-copy.jpg" } + names.map { $0 + "-small.jpg" } + (0..<5).map { "again\($0).jpg" }
        try ("url,caption\n" + rows.map { "\($0),a scene\n" }.joined())
            .write(toFile: site.folder + "/files.csv", atomically: true, encoding: .utf8)
        return (names.count, rows.count)
    }

    private func manifest(_ site: Site, _ name: String, _ rules: String, unitRows: Int) throws -> String {
        let path = "\(site.folder)/\(name).yaml"
        try """
        version: 1
        name: images
        shard: {samples: \(unitRows)}
        image: {size: 64}
        \(rules)
        sources:
          - {name: disk, format: csv, path: files.csv, image_root: demo/images, captions: original}
        """.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test("are kept once by their bytes, once by their look, and never where they stand for lost ones")
    func rules() throws {
        let site = try Site(count: 24)
        let count = try list(site)
        func built(_ name: String, _ rules: String) throws -> Site.SourceStatus {
            let ended = try site.build(manifest(site, name, rules, unitRows: 7), to: name, workers: 2)
            try #require(ended.status == 0, "\(ended.errors)")
            let verified = try Program.run(Site.pipeline, ["verify", "\(site.folder)/\(name)"])
            #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
            return try #require(site.status(name).first)
        }
        let all = try built("all", "")
        // The demonstration has some images twice itself, and some that are refused.
        let bytes = try built("bytes", "deduplicate: {bytes: true}")
        let copies = bytes.rejections["duplicate", default: 0]
        #expect(copies >= count.pictures / 2 + 5 && bytes.samples == all.samples - copies)
        let placeholders = try built("placeholders", "deduplicate: {bytes: true, placeholder_repeats: 7}")
        #expect(placeholders.rejections["placeholder"] == 7)
        #expect(placeholders.samples == bytes.samples - 1)
        let looks = try built("looks", "deduplicate: {perceptual: 3}")
        #expect(looks.samples < bytes.samples && looks.samples >= bytes.samples / 3)
        #expect(looks.samples + looks.rejections.values.reduce(0, +) == count.all)
    }

    @Test("give the same shards however many workers there are and whatever was killed while they were left out")
    func sameBytes() throws {
        let site = try Site(count: 40)
        _ = try list(site)
        let manifest = try manifest(site, "m", "deduplicate: {bytes: true, perceptual: 2}", unitRows: 2)
        try #require(site.build(manifest, to: "one").status == 0)
        let expected = try site.files("one")
        var kills = 0
        let shards = site.folder + "/two/shards"
        for round in 1...6 {
            let build = try Program(Site.pipeline, site.buildArguments(manifest, to: "two", workers: 2))
            // Shards appear only when duplicates are left out.
            let isSeen = eventually {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: shards)) ?? []
                return names.count > 8 * round || !build.isRunning
            }
            #expect(isSeen)
            if build.isRunning { kills += 1 }
            for process in [build.identifier] + children(of: build.identifier) { kill(process, SIGKILL) }
            _ = build.wait()
            for (path, data) in try site.files("two") where path.hasSuffix(".tar.zst") {
                #expect(expected[path] == data, "\(path) is there, and not as it must be")
            }
        }
        #expect(kills > 1, "the removal was never hit")
        let ended = try site.build(manifest, to: "two", workers: 2)
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(try site.files("two") == expected)
        #expect(try FileManager.default.contentsOfDirectory(atPath: site.folder + "/two/.state/drafts").isEmpty)
    }

    @Test("give the same shards where a file cannot have two names")
    func noLinks() throws {
        let site = try Site(count: 24)
        _ = try list(site)
        let manifest = try manifest(site, "m", "deduplicate: {bytes: true}", unitRows: 5)
        try #require(site.build(manifest, to: "one").status == 0)
        let library = try site.library(
            "#include <errno.h>\nint link(const char *a, const char *b) { errno = EPERM; return -1; }\n")
        let ended = try Program.run(
            Site.pipeline, site.buildArguments(manifest, to: "two", workers: 1), environment: ["LD_PRELOAD": library])
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(try site.files("two") == site.files("one"))
    }
}
