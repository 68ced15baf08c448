import Digests
import Foundation
import Samples
import Shards
import TestSupport
import Testing

@Suite("Readers of others") struct OtherReadersTests {
    private let samples = [0, 512, 70_000].enumerated().map { sample($0.offset, imageByteCount: $0.element) }

    @Test("see JSON with the same keys in all samples, scores with a decimal point, and text as it is")
    func json() throws {
        try inFolder { folder throws in
            try write([sample(5, imageByteCount: 10, text: "ünï \u{1} \\ 猫 \"q\"")], to: folder + "/s")
            let meta = try Program.run(
                "/bin/sh", ["-c", "zstd -dcq \(folder)/s | tar -xOf - s-000000000005.meta.json"])
            let zeros = String(repeating: "0", count: 64)
            let kept = #"{"text":"ünï \u0001 \\ 猫 \"q\"","score":0.25,"origin":"blip"}"#
            let web = #"{"text":"web \"text\"\n","score":1.0,"origin":"web"}"#
            #expect(
                meta.output
                    == #"{"key":"s-000000000005","source":"s","source_id":"id5","url":"http://h/5?a=b&c","#
                    + #""width":3,"height":4,"original_width":30,"original_height":40,"sha256":"\#(zeros)","#
                    + #""web_caption":"web \"text\"\n","captions":[\#(kept),\#(web)],"candidates":[\#(web),\#(kept)]}"#)
        }
    }

    @Test("see a decimal point in every score, large and small", arguments: [0, -0.0, 1, 1e-7, -3e22, 0.1, 2.5e-300])
    func decimalPoint(_ score: Double) throws {
        try inFolder { folder throws in
            var metadata = samples[0].metadata
            metadata.captions = [ScoredCaption(text: "a", score: score, origin: .blip)]
            let one = ShardSample(image: [], imageExtension: "jpg", metadata: metadata)
            try write([one], to: folder + "/s")
            #expect(try readAll(folder + "/s") == [one])
            let meta = try Program.run(
                "/bin/sh", ["-c", "zstd -dcq \(folder)/s | tar -xOf - --wildcards '*.meta.json'"])
            let found = try #require(meta.output.firstMatch(of: /"captions":\[{"text":"a","score":([^,]*),/))
            #expect(found.1.contains("."), "\(found.1)")
            #expect(Double(found.1) == score)
        }
    }

    @Test("GNU tar lists the members adjacent and in order, with fixed owner, mode and time")
    func gnuTar() throws {
        try inFolder { folder throws in
            try write(samples, to: folder + "/s.tar.zst")
            let listed = try Program.run(
                "/usr/bin/env", ["TZ=UTC", "tar", "--zstd", "--full-time", "-tvf", folder + "/s.tar.zst"])
            #expect(listed.status == 0 && listed.errors.isEmpty, "\(listed.errors)")
            let lines = listed.output.split(separator: "\n")
            let members = samples.flatMap { sample in
                [sample.imageExtension, "txt", "json", "meta.json"].map { "\(sample.key).\($0)" }
            }
            #expect(lines.map { $0.split(separator: " ").last.map(String.init) } == members)
            #expect(lines.allSatisfy { $0.hasPrefix("-rw-r--r-- 0/0") && $0.contains("1970-01-01 00:00:00 ") })
        }
    }

    @Test("zstd sees one frame with a checksum, whose window fits every reader, and one frame to skip")
    func zstd() throws {
        try inFolder { folder throws in
            for level in [1, 3, 22] {
                try write(samples, to: "\(folder)/\(level).zst", level: level)
                let listed = try Program.run("/usr/bin/env", ["zstd", "-lv", "\(folder)/\(level).zst"])
                #expect(listed.output.contains(/# Zstandard Frames: 1\n/), "\(listed.output)\(listed.errors)")
                #expect(listed.output.contains(/# Skippable Frames: 1\n/))
                #expect(listed.output.contains("Check: XXH64"))
                #expect(try Program.run("/usr/bin/env", ["zstd", "-tq", "\(folder)/\(level).zst"]).status == 0)
            }
        }
    }

    @Test("webdataset reads every sample, from a shard through zstd and from a plain tar")
    func webdataset() throws {
        let script = """
            import hashlib, json, sys, webdataset
            for s in webdataset.WebDataset(sys.argv[1], shardshuffle=False):
                image = [e for e in ("jpg", "webp", "png") if e in s]
                assert len(image) == 1 and {k for k in s if not k.startswith("__")} == {*image, "txt", "json", "meta.json"}
                meta = json.loads(s["meta.json"])
                assert meta["captions"][0]["text"] == s["txt"].decode() == json.loads(s["json"])[0]
                assert [c["text"] for c in meta["captions"]] == json.loads(s["json"])
                assert all(isinstance(c["score"], float) for c in meta["captions"] + meta["candidates"])
                assert meta["key"] == s["__key__"]
                print(s["__key__"], image[0], hashlib.sha256(s[image[0]]).hexdigest())
            """
        let expected = samples.map { "\($0.key) \($0.imageExtension) \(digest(of: $0.image))\n" }.joined()
        try inFolder { folder throws in
            try write(samples, to: folder + "/s.tar.zst")
            let plain = try ShardWriter(plainTar: folder + "/s.tar")
            for sample in samples { try plain.append(sample) }
            let summary = try plain.finish()
            #expect(summary.sha256 == digest(of: try bytes(of: folder + "/s.tar")))
            for url in ["pipe:zstd -dcq \(folder)/s.tar.zst", folder + "/s.tar"] {
                #expect(try Python.run(script, [url]) == expected)
            }
        }
    }
}
