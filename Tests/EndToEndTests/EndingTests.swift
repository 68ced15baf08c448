import Foundation
import TestSupport
import Testing

/// What a build says at its end, whoever listens.
@Suite("The end of a build", .serialized) struct EndingTests {
    private static let allowed = "fetch: {allow_private_addresses: true}"

    /// Runs a line of a shell, in which `$P` is `pipeline`.
    private func shell(_ line: String, _ site: Site) throws -> Program.Ended {
        try Program.run(
            "/bin/bash", ["-c", line],
            environment: [
                "P": Site.pipeline, "B": Site.blip2, "W": Project.executables + "/pipeline-worker", "D": site.folder,
            ])
    }

    @Test("says what was kept and why not more; nothing kept is no success")
    func summary() throws {
        let site = try Site(count: 12)
        // What every row would meet is said before the first is fetched.
        let manifest = try site.manifest("m", captions: "original", unitRows: 6)
        for blocked in [try site.build(manifest, to: "nothing"), try site.plan(manifest)] {
            #expect(
                blocked.status == 65 && blocked.errors.contains("fetch.allow_private_addresses: true"), "\(blocked)")
            #expect(blocked.errors.split(separator: "\n").count == 1, "\(blocked)")
        }
        let small = try site.manifest(
            "m", captions: "original", unitRows: 6,
            extra: "fetch: {allow_private_addresses: true, max_bytes: 10, retries: 0}")
        let nothing = try site.build(small, to: "nothing")
        #expect(nothing.status == 1)
        #expect(nothing.output.hasPrefix("0 of 12 rows kept in 2 shards; 12 failed: "), "\(nothing.output)")
        #expect(nothing.output.contains("set fetch.max_bytes, and build into another folder"), "\(nothing.output)")
        #expect(nothing.errors.contains("error: demo: nothing was kept of 12 rows; 12 failed: "), "\(nothing.errors)")
        let whole = try site.build(
            site.manifest("m", captions: "original", unitRows: 6, extra: Self.allowed), to: "whole")
        #expect(whole.status == 0 && whole.output.contains(" of 12 rows kept in 2 shards"), "\(whole.output)")
    }

    @Test("takes other manners on an output that is there, and refuses what changes it in the manifest's words")
    func changedSettings() throws {
        let site = try Site(count: 8)
        func build(_ fetch: String) throws -> Program.Ended {
            try site.build(
                site.manifest("m", captions: "original", unitRows: 4, extra: "fetch: {\(fetch)}"), to: "out")
        }
        try #require(try build("allow_private_addresses: true").status == 0)
        let manners = "retries: 5, timeout: 60, user_agent: me, max_failure_ratio: 0.9"
        #expect(try build("allow_private_addresses: true, \(manners)").status == 0)
        let refused = try build(manners)
        #expect(refused.status == 65)
        #expect(
            refused.errors.hasSuffix(
                "fetch.allow_private_addresses: was true, is false. Put it back, or build into another folder\n"),
            "\(refused.errors)")
    }

    @Test("is told by status: running, interrupted, finished; and by the build itself when it is interrupted")
    func states() throws {
        let site = try Site(count: 60)
        let manifest = try site.manifest("m", captions: "original", unitRows: 3, extra: Self.allowed)
        struct Status: Decodable { let state: String }
        func state(_ wrapper: String = "") throws -> String {
            let ended = try shell("\(wrapper) \"$P\" status --output \"$D/out\" --json", site)
            try #require(ended.status == 0, "\(ended.errors)")
            return try JSONDecoder().decode(Status.self, from: Data(ended.output.utf8)).state
        }
        let build = try Program(Site.pipeline, site.buildArguments(manifest, to: "out", workers: 1))
        let shard = site.folder + "/out/shards/demo-000000.tar.zst"
        #expect(eventually { FileManager.default.fileExists(atPath: shard) || !build.isRunning })
        build.signal(SIGSTOP)
        #expect(try state() == "running")
        build.signal(SIGCONT)
        build.signal(SIGINT)
        let stopped = build.wait()
        #expect(stopped.status == 130)
        #expect(
            stopped.errors.contains(/\ninterrupted at \d+ %, run the same command to resume\n/), "\(stopped.errors)")
        #expect(try state() == "interrupted")

        let killed = try Program(Site.pipeline, site.buildArguments(manifest, to: "out", workers: 1))
        #expect(eventually { !children(of: killed.identifier).isEmpty || !killed.isRunning })
        killed.signal(SIGKILL)
        _ = killed.wait()
        // Without the right to write, as another user looks at it; root has it unless it gives it up.
        let reader = getuid() == 0 ? "setpriv --bounding-set=-dac_override,-dac_read_search" : ""
        _ = try shell("chmod -R a-w \"$D/out\"", site)
        #expect(try state(reader) == "interrupted")
        _ = try shell("chmod -R u+w \"$D/out\"", site)

        #expect(try site.build(manifest, to: "out").status == 0)
        _ = try shell("chmod -R a-w \"$D/out\"", site)
        #expect(try state(reader) == "finished")
        _ = try shell("chmod -R u+w \"$D/out\"", site)
        let watched = try shell("\"$P\" status --output \"$D/out\" --watch", site)
        #expect(watched.status == 0 && watched.output.contains("finished"), "it ends when nothing runs")
    }

    @Test("does not depend on who reads the log; a result that is lost is an error")
    func streams() throws {
        let site = try Site(count: 8)
        _ = try site.manifest("m", captions: "original", unitRows: 4, extra: Self.allowed)
        for (index, log) in ["2>&1 | head -1; exit ${PIPESTATUS[0]}", "2>&-", "2>/dev/full", "2> >(true)"].enumerated()
        {
            let ended = try shell(
                "\"$P\" build --manifest \"$D/m.yaml\" --output \"$D/out\(index)\" --log-level debug \(log)", site)
            // The first one's results go to the closed pipe, too.
            #expect(ended.status == (index == 0 ? 1 : 0), "\(log): \(ended.status) \(ended.errors)")
            let verified = try Program.run(Site.pipeline, ["verify", "\(site.folder)/out\(index)"])
            #expect(verified.status == 0 && verified.output.contains("2 shards"), "\(log): \(verified.errors)")
        }
        for command in [
            "$P plan --manifest $D/m.yaml", "$P status --output $D/out1", "$P verify $D/out1", "$P report $D/out1",
            "$P inspect $D/out1/shards/demo-000000.tar.zst --json", "$P build --manifest $D/m.yaml --output $D/out1",
            "$P --help", "$P --version", "$W --version", "$W --help", "$B --version", "$B caption --help",
        ] {
            for stream in [">/dev/full", ">&-", "> >(exec 0<&-; sleep 0.3)"] {
                let ended = try shell("\(stream.contains("sleep") ? "sleep 0.2 | " : "") \(command) \(stream)", site)
                let isLost = !stream.contains("sleep")
                #expect(isLost ? ended.status == 1 : ended.status < 128, "\(command) \(stream): \(ended)")
                if isLost { #expect(ended.errors.contains("error: standard output: cannot be written"), "\(ended)") }
            }
        }
        for command in ["$P nonsense", "$W --nonsense", "$B nonsense", "$P status --output /nowhere"] {
            for stream in ["2>/dev/full", "2>&-", "2>&1 | true; exit ${PIPESTATUS[0]}"] {
                let ended = try shell("\(command) \(stream)", site)
                #expect(ended.status == 64 || ended.status == 65, "\(command) \(stream): \(ended)")
            }
        }
    }

    @Test("is JSON on every line of standard error where that is asked for")
    func jsonLog() throws {
        let site = try Site(count: 8)
        let manifest = try site.manifest("m", captions: "original", unitRows: 4, extra: Self.allowed)
        let arguments = site.buildArguments(manifest, to: "out", workers: 2)
        let runs = [
            arguments + ["--log-format", "json", "--log-level", "debug"], ["nonsense", "--log-format=json"],
            ["status", "--output", "/nowhere", "--log-format", "json"],
            ["build", "--manifest", "/nowhere.yaml", "--log-format", "json"],
        ]
        for run in runs {
            let ended = try Program.run(Site.pipeline, run)
            #expect(!ended.errors.isEmpty)
            for line in ended.errors.split(separator: "\n") {
                let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                #expect(object?["message"] is String && object?["level"] is String, "\(run): \(line)")
            }
        }
    }

    @Test("comes at once when a list is changed while it is read, and no row of the new one is published")
    func changedList() throws {
        let site = try Site(count: 60)
        let manifest = try site.manifest("m", captions: "original", unitRows: 3, extra: Self.allowed)
        let list = site.folder + "/demo/list.csv"
        let text = try String(contentsOfFile: list, encoding: .utf8)
        let build = try Program(Site.pipeline, site.buildArguments(manifest, to: "out", workers: 1))
        let shards = site.folder + "/out/shards"
        #expect(
            eventually { FileManager.default.fileExists(atPath: shards + "/demo-000001.tar.zst") || !build.isRunning })
        build.signal(SIGSTOP)
        let count = try FileManager.default.contentsOfDirectory(atPath: shards).count
        // In place and of the same length.
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: list))
        try handle.write(contentsOf: Data(text.replacing("a", with: "e").utf8))
        try handle.close()
        build.signal(SIGCONT)
        let ended = build.wait()
        #expect(ended.status == 65, "\(ended.errors)")
        #expect(ended.errors.contains("error: \(list): changed while it was read"), "\(ended.errors)")
        // One that was on its way may be there, made of what was read before.
        #expect(try FileManager.default.contentsOfDirectory(atPath: shards).count <= count + 3)
        let again = try site.build(manifest, to: "out")
        #expect(again.status == 65 && again.errors.contains("content of list.csv: was "), "\(again.errors)")
        try text.write(toFile: list, atomically: true, encoding: .utf8)
        #expect(try site.build(manifest, to: "out").status == 0, "put back, though at another time")
    }

    @Test("comes at once from a full disk")
    func fullDisk() throws {
        guard getuid() == 0 else { return }  // only root may mount
        let site = try Site(count: 4)
        _ = try site.manifest("m", captions: "original", unitRows: 4, extra: Self.allowed)
        let ended = try shell(
            """
            unshare -m bash -c 'mkdir "$D/small" && mount -t tmpfs -o size=256k none "$D/small" || exit 42
            "$P" build --manifest "$D/m.yaml" --output "$D/small/out"'
            """, site)
        if ended.status == 42 { return }  // not in this container
        #expect(ended.status == 69, "\(ended)")
        #expect(ended.errors.contains("No space left on device; make room, and run the same command"), "\(ended)")
    }
}
