import Foundation
import RandomNumbers
import TestSupport
import Testing

/// What a shard says of a sample.
private struct SampleFacts: Decodable {
    struct Caption: Decodable {
        let text: String
        let origin: String
    }
    let key: String
    let candidates: [Caption]
}

@Suite("pipeline build", .serialized) struct BuildTests {
    @Test("gives the same bytes with one worker and with two, killed at any moment and resumed or not")
    func sameBytes() throws {
        let site = try Site(count: 96)
        try site.makeCheckpoints()
        let manifest = try site.manifest(
            "m", captions: "bootstrap", unitRows: 8,
            extra: "fetch: {allow_private_addresses: true}\ncaption: {model: captioner}\nrank: {model: ranker}")
        let reference = try site.build(manifest, to: "one")
        try #require(reference.status == 0, "\(reference.errors)")
        let expected = try site.files("one")
        #expect(expected.keys.filter { $0.hasSuffix(".tar.zst") }.count == 12)

        var random = SplitMix64(seed: 5)
        var kills = 0
        for _ in 0..<12 {
            let build = try Program(Site.pipeline, site.buildArguments(manifest, to: "two", workers: 2))
            // Killed once so many more shards are there, or a little later: in the middle of whatever it does then.
            let goal = shardCount(site, "two") + Int.random(in: 0...1, using: &random)
            let delay = UInt32.random(in: 0...250_000, using: &random)
            _ = eventually {
                !build.isRunning || (shardCount(site, "two") >= goal && !children(of: build.identifier).isEmpty)
            }
            usleep(delay)
            kills += build.isRunning ? 1 : 0
            build.signal(SIGKILL)
            _ = build.wait()
            checkPublished(site, "two", expected)
        }
        #expect(kills > 0, "every build ended before it was killed")
        let resumed = try site.build(manifest, to: "two", workers: 2)
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(try site.files("two") == expected)
    }

    /// What is visible after a kill is whole, and the same as in the undisturbed build.
    private func checkPublished(_ site: Site, _ output: String, _ expected: [String: Data]) {
        let files = (try? site.files(output)) ?? [:]
        for (path, data) in files where path.hasPrefix("shards/demo-") {
            #expect(data == expected[path], "\(path) is not whole")
        }
    }

    private func shardCount(_ site: Site, _ output: String) -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(site.folder)/\(output)/shards")) ?? []
        return names.filter { $0.hasSuffix(".tar.zst") }.count
    }

    @Test("captions with a phase-2 model, the same bytes with any number of workers, as blip2 caption does")
    func phaseTwoCaptioner() throws {
        let site = try Site(count: 24)
        try site.makeCheckpoints(["phase2-opt", "ranker"])
        let manifest = try site.manifest(
            "m", captions: "bootstrap", unitRows: 6,
            extra: """
                fetch: {allow_private_addresses: true}
                caption: {model: phase2-opt, prompt: a photo of, max_length: 14}
                rank: {model: ranker}
                precision: float32
                """)
        let one = try site.build(manifest, to: "one")
        try #require(one.status == 0, "\(one.errors)")
        let two = try site.build(manifest, to: "two", workers: 2)
        try #require(two.status == 0, "\(two.errors)")
        #expect(try site.files("two") == site.files("one"))
        let verified = try Program.run(Site.pipeline, ["verify", site.folder + "/one"])
        #expect(verified.status == 0, "\(verified.errors)")

        // Ten candidates of the captioner and the web's stand in the shard; the captioner's are those of blip2 caption.
        let shard = site.folder + "/one/shards/demo-000000.tar.zst"
        let unpacked = try Program.run("/bin/bash", ["-c", "zstd -dcq \(shard) | tar xf - -C \(site.folder)"])
        try #require(unpacked.status == 0, "\(unpacked.errors)")
        let names = try FileManager.default.contentsOfDirectory(atPath: site.folder)
        let name = try #require(names.filter { $0.hasSuffix(".meta.json") }.min())
        let meta = try Data(contentsOf: URL(fileURLWithPath: "\(site.folder)/\(name)"))
        let sample = try JSONDecoder().decode(SampleFacts.self, from: meta)
        let made = sample.candidates.filter { $0.origin == "blip" }.map(\.text)
        #expect(made.count == 10 && sample.candidates.contains { $0.origin == "web" })
        let captions = try Program.run(
            Site.blip2,
            [
                "caption", "\(site.folder)/\(sample.key).jpg", "--key", sample.key, "--seed", "7", "--model",
                site.folder + "/phase2-opt", "--prompt",
                "a photo of", "--max-length", "14", "--precision", "float32",
            ])
        try #require(captions.status == 0, "\(captions.errors)")
        #expect(captions.output.split(separator: "\n").map(String.init) == made)

        let wrong = try site.build(
            site.manifest(
                "wrong", captions: "bootstrap", unitRows: 6,
                extra: "fetch: {allow_private_addresses: true}\ncaption: {model: phase2-opt, max_length: 200}\n"
                    + "rank: {model: ranker}"), to: "wrong")
        #expect(wrong.status == 65 && wrong.errors.contains("the language model has room for"), "\(wrong.errors)")
    }

    @Test("ranks with a phase-1 model by the score that is named, the same bytes with any number of workers")
    func phaseOneRanker() throws {
        let site = try Site(count: 24)
        try site.makeCheckpoints(["captioner", "ranker", "phase1"])
        func manifest(_ name: String, _ rank: String) throws -> String {
            try site.manifest(
                name, captions: "bootstrap", unitRows: 6,
                extra: "fetch: {allow_private_addresses: true}\ncaption: {model: captioner}\nrank: {\(rank)}")
        }
        let sum = try manifest("sum", "model: phase1, score: sum")
        let one = try site.build(sum, to: "one")
        try #require(one.status == 0, "\(one.errors)")
        let two = try site.build(sum, to: "two", workers: 2)
        try #require(two.status == 0, "\(two.errors)")
        let expected = try site.files("one")
        #expect(try site.files("two") == expected)
        let itm = try site.build(try manifest("itm", "model: phase1, score: itm"), to: "itm")
        try #require(itm.status == 0, "\(itm.errors)")
        #expect(try site.files("itm") != expected)
        let other = try site.build(try manifest("itc", "model: phase1"), to: "one")
        #expect(other.status == 65 && other.errors.contains("rank.score"), "\(other.errors)")
        let report = try Program.run(Site.pipeline, ["report", site.folder + "/one"])
        #expect(report.status == 0, "\(report.errors)")
        let page = try String(contentsOfFile: site.folder + "/one/report.html", encoding: .utf8)
        #expect(page.contains("Cosine similarity of image and caption plus the logit"))

        let clip = try site.build(try manifest("clip", "model: ranker, score: itm"), to: "clip")
        #expect(clip.status == 65 && clip.errors.contains("rank.score: itm"), "\(clip.errors)")
        let judged = try Program.run(
            Site.blip2,
            [
                "rank", site.folder + "/demo/list.csv", "--model", site.folder + "/ranker", "--score", "itc",
                "--caption", "x",
            ])
        #expect(judged.status == 64 && judged.errors.contains("--score itc"), "\(judged.errors)")
    }

    @Test("loses the row on which a codec crashes, and no other")
    func codecCrash() throws {
        let site = try Site(count: 14)
        let library = try site.crashingLibrary()
        let manifest = try site.manifest(
            "m", captions: "original", unitRows: 7, extra: "fetch: {allow_private_addresses: true}")
        let whole = try site.build(manifest, to: "whole")
        try #require(whole.status == 0, "\(whole.errors)")

        let ended = try Program.run(
            Site.pipeline, site.buildArguments(manifest, to: "out", workers: 1), environment: ["LD_PRELOAD": library])
        #expect(ended.status == 0, "\(ended.errors)")
        try site.expectOnlyCrashesLost(ended.errors)
    }

    @Test("says what becomes of one URL, and writes its image")
    func oneURL() throws {
        let site = try Site(count: 12)
        let list = try String(contentsOfFile: site.folder + "/demo/list.csv", encoding: .utf8)
        let picture = try #require(list.firstMatch(of: /http:\/\/(127[^\/]+)\/[^,"]+\.jpg/))
        let output = site.folder + "/one.jpg"
        func fetch(_ url: String, _ more: [String] = []) throws -> Program.Ended {
            try Program.run(Site.pipeline, ["fetch", url, "--output", output] + more)
        }
        let blocked = try fetch(String(picture.0))
        #expect(blocked.status == 1 && blocked.output.hasPrefix("blocked_address: "), "\(blocked.output)")
        #expect(!FileManager.default.fileExists(atPath: output))
        let taken = try fetch(String(picture.0), ["--allow", String(picture.1)])
        #expect(taken.status == 0 && taken.output.contains("success; HTTP 200; "), "\(taken.output)\(taken.errors)")
        #expect(FileManager.default.contents(atPath: output)?.starts(with: [0xff, 0xd8]) == true)
        // Bytes that must not be kept are not written here either.
        let facts = try fetch(String(picture.0), ["--allow", String(picture.1), "--json"]).output
        let digest = try #require(facts.firstMatch(of: /"sha256" : "([0-9a-f]{64})"/)).1
        try digest.write(toFile: site.folder + "/illegal.txt", atomically: true, encoding: .utf8)
        let manifest = try site.manifest(
            "m", captions: "original", unitRows: 7, extra: "exclude: {digests: illegal.txt}")
        try FileManager.default.removeItem(atPath: output)
        let refused = try fetch(String(picture.0), ["--allow", String(picture.1), "--manifest", manifest])
        #expect(
            refused.status == 1 && refused.output.hasPrefix("excluded_digest"), "\(refused.output)\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: output))
        let missing = try fetch("http://\(picture.1)/none.jpg", ["--allow", String(picture.1), "--json"])
        #expect(missing.status == 1 && missing.output.contains(#""http_status" : 404"#), "\(missing.output)")
    }

    @Test("leaves out rows whose URL an earlier row of any source has")
    func duplicateURLs() throws {
        let site = try Site(count: 24)
        let manifest = site.folder + "/twice.yaml"
        try """
        version: 1
        name: twice
        shard: {samples: 10}
        image: {size: 64}
        fetch: {allow_private_addresses: true, max_failure_ratio: 0.8}   # duplicates are no failures
        deduplicate: {urls: true}
        sources:
          - {name: first, format: csv, path: demo/list.csv, captions: original, limit: 10}
          - {name: second, format: csv, path: demo/list.csv, captions: original}
        """.write(toFile: manifest, atomically: true, encoding: .utf8)
        let built = try site.build(manifest, to: "out", workers: 2)
        try #require(built.status == 0, "\(built.errors)")
        let sources = try site.status("out")
        // The list itself names some images twice or not at all: what the first source has, the second one has not.
        #expect(sources[0].samples > 5)
        #expect(sources[1].rejections["duplicate", default: 0] >= sources[0].samples)
        #expect(sources[1].samples + sources[1].rejections.values.reduce(0, +) == 24)
    }

    @Test("takes images from disk; nothing of where they lie reaches the output")
    func imagesOnDisk() throws {
        let sites = [try Site(count: 12), try Site(count: 12)]
        for site in sites {
            let names = try FileManager.default.contentsOfDirectory(atPath: site.folder + "/demo/images").sorted()
            let list = "url,caption\n" + names.map { "\($0),a scene\n" }.joined() + "none.jpg,a scene\n"
            try list.write(toFile: site.folder + "/files.csv", atomically: true, encoding: .utf8)
            try """
            version: 1
            name: disk
            sources:
              - {name: demo, format: csv, path: files.csv, image_root: demo/images, captions: original}
            """.write(toFile: site.folder + "/disk.yaml", atomically: true, encoding: .utf8)
            let built = try site.build(site.folder + "/disk.yaml", to: "out")
            try #require(built.status == 0, "\(built.errors)")
        }
        let shown = try Program.run(
            Site.pipeline,
            ["inspect", "--json", "--sample", "demo-000000000002", sites[0].folder + "/out/shards/demo-000000.tar.zst"])
        #expect(shown.status == 0 && !shown.output.contains(sites[0].folder), "\(shown.output)\(shown.errors)")
        #expect(try sites[0].files("out") == sites[1].files("out"))
    }

    @Test("goes on when a worker is killed, and the bytes are the same")
    func killedWorker() throws {
        let site = try Site(count: 60)
        let manifest = try site.manifest(
            "m", captions: "original", unitRows: 3, extra: "fetch: {allow_private_addresses: true}")
        try #require(site.build(manifest, to: "one").status == 0)
        let build = try Program(Site.pipeline, site.buildArguments(manifest, to: "two", workers: 2))
        let started = eventually { children(of: build.identifier).count == 2 || !build.isRunning }
        #expect(started)
        for worker in children(of: build.identifier).prefix(1) { kill(worker, SIGKILL) }
        let ended = build.wait()
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(try site.files("two") == site.files("one"))
    }

    @Test("stops cleanly at SIGINT with 130, without having to kill its workers; the same command finishes the work")
    func interrupted() throws {
        let site = try Site(count: 60)
        try site.makeCheckpoints()
        let manifest = try site.manifest(
            "m", captions: "bootstrap", unitRows: 3,
            extra: "fetch: {allow_private_addresses: true}\ncaption: {model: captioner}\nrank: {model: ranker}")
        let build = try Program(
            Site.pipeline, site.buildArguments(manifest, to: "out", workers: 1) + ["--log-level", "debug"])
        let started = eventually {
            func count(_ message: String) -> Int { build.errors.components(separatedBy: message).count - 1 }
            let published = count("shard published")
            return published > 0 && count("unit leased") > published || !build.isRunning
        }
        #expect(started)
        build.signal(SIGINT)
        let stopped = build.wait()
        #expect(stopped.status == 130)
        func count(_ message: String) -> Int { stopped.errors.components(separatedBy: message).count - 1 }
        #expect(
            count("unit leased") == count("shard published") + count("unit released"),
            "the worker gives back what it holds: \(stopped.errors)")
        #expect(children(of: build.identifier).isEmpty)
        #expect(try site.build(manifest, to: "out").status == 0)
        let verified = try Program.run(Site.pipeline, ["verify", site.folder + "/out"])
        #expect(verified.status == 0, "\(verified.errors)")
    }

    @Test("does nothing on a finished output, and refuses another manifest or list, saying what differs")
    func finished() throws {
        let site = try Site(count: 24)
        let private_ = "fetch: {allow_private_addresses: true}"
        let manifest = try site.manifest("m", captions: "original", unitRows: 10, extra: private_)
        try #require(site.build(manifest, to: "out").status == 0)
        let before = try site.files("out")
        #expect(try site.build(manifest, to: "out").status == 0)
        #expect(try site.files("out") == before)

        _ = try site.manifest("m", captions: "original", unitRows: 11, extra: private_)
        let changed = try site.build(manifest, to: "out")
        #expect(changed.status == 65)
        #expect(changed.errors.contains("shard.samples: was 10, is 11"), "\(changed.errors)")

        _ = try site.manifest("m", captions: "original", unitRows: 10, extra: private_)
        let list = site.folder + "/demo/list.csv"
        let text = try String(contentsOfFile: list, encoding: .utf8) + "http://127.0.0.1:1/x.jpg,more\n"
        try text.write(toFile: list, atomically: true, encoding: .utf8)
        let grown = try site.build(manifest, to: "out")
        #expect(grown.status == 65 && grown.errors.contains("sources[0].path: content of list.csv"), "\(grown.errors)")
        #expect(try site.files("out") == before)
    }

    @Test("waits for hosts that do not answer, ends with 69 and the reason when that takes too long, and loses no row")
    func outage() throws {
        let site = try Site(count: 24)
        func manifest(_ fetch: String) throws -> String {
            try site.manifest(
                "m", captions: "original", unitRows: 10, extra: "fetch: {allow_private_addresses: true, \(fetch)}")
        }
        let settings = "timeout: 1, outage: 2"
        try #require(site.build(try manifest(settings), to: "calm").status == 0)

        site.setServer(isRunning: false)
        let ended = try site.build(try manifest(settings), to: "out")
        #expect(ended.status == 69, "\(ended.errors)")
        let reason = "does not answer: no answer in 1.0 seconds; run the same command to resume"
        #expect(ended.errors.contains(reason), "\(ended.errors)")
        site.setServer(isRunning: true)
        #expect(try site.build(try manifest(settings), to: "out").status == 0)
        let shards = { (name: String) in try site.files(name).filter { $0.key.hasPrefix("shards/") } }
        #expect(try shards("out") == shards("calm"))
    }

    @Test("names a unit that fails three times, ends with 1, and publishes the others")
    func failingUnit() throws {
        let site = try Site(count: 60)
        let manifest = try site.manifest(
            "m", captions: "original", unitRows: 6,
            extra: "fetch: {allow_private_addresses: true, max_failure_ratio: 0, retries: 0}")
        let truth = try String(contentsOfFile: site.folder + "/demo/truth.jsonl", encoding: .utf8)
        let failing = Set(
            truth.split(separator: "\n").enumerated().filter { !$1.contains(#""expected_status":"success""#) }
                .map { "demo-" + String(format: "%06d", $0.offset / 6) })
        try #require(!failing.isEmpty && failing.count < 10)
        let ended = try site.build(manifest, to: "out")
        #expect(ended.status == 1, "\(ended.errors)")
        let files = try site.files("out")
        for unit in (0..<10).map({ "demo-" + String(format: "%06d", $0) }) {
            let isNamed = ended.errors.contains("error: \(unit): failed 3 times:")
            #expect(isNamed == failing.contains(unit), "\(unit): \(ended.errors)")
            #expect((files["shards/\(unit).tar.zst"] != nil) != failing.contains(unit), "\(unit)")
        }
        #expect(ended.errors.contains("over fetch.max_failure_ratio 0"))
    }

    @Test("refuses bad input with one line that says where, and the promised exit code")
    func badInput() throws {
        let site = try Site(count: 4)
        let cases: [(extra: String, part: String)] = [
            ("imagge: {size: 3}", "unknown-key: line 6: imagge: did you mean image?"),
            ("caption: {model: nowhere/nothing}", "caption.model: nowhere/nothing: missing_file"),
        ]
        for (extra, part) in cases {
            let manifest = try site.manifest("bad", captions: "bootstrap", unitRows: 4, extra: extra)
            let ended = try site.build(manifest, to: "bad")
            #expect(ended.status == 65, "\(ended.errors)")
            #expect(ended.errors.contains(part) && ended.errors.split(separator: "\n").count == 1, "\(ended.errors)")
        }
        #expect(try Program.run(Site.pipeline, ["build", "--manifest"]).status == 64)
        #expect(try Program.run(Site.pipeline, ["nonsense"]).status == 64)
        let broken = site.folder + "/broken"
        try FileManager.default.createDirectory(atPath: broken, withIntermediateDirectories: true)
        try "{}".write(toFile: broken + "/config.json", atomically: true, encoding: .utf8)
        let manifest = try site.manifest(
            "m", captions: "bootstrap", unitRows: 4,
            extra: "fetch: {allow_private_addresses: true}\ncaption: {model: broken}\nrank: {model: broken}")
        let ended = try site.build(manifest, to: "out")
        #expect(ended.status == 65 && ended.errors.contains("broken"), "\(ended.errors)")

        try site.makeCheckpoints()
        let ranker = ["caption", site.folder + "/demo/list.csv", "--model", site.folder + "/ranker"]
        let wrong = try Program.run(Site.blip2, ranker)
        #expect(wrong.status == 65 && wrong.errors.contains("but a model of type blip"), "\(wrong.errors)")
    }
}
