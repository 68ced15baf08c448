import Foundation
import TestSupport
import Testing

/// A build whose coordinator and workers are started on their own.
@Suite("pipeline-coordinator", .serialized) struct CoordinatorProgramTests {
    private static let allowed = "fetch: {allow_private_addresses: true}"

    private func coordinator(_ site: Site, _ manifest: String, _ options: [String] = []) throws -> Program {
        try Program(
            Project.executables + "/pipeline-coordinator",
            ["--manifest", manifest, "--output", site.folder + "/out"] + options)
    }

    /// The address in the file `path`, once it is there.
    private func address(_ path: String, of coordinator: Program) throws -> String {
        try #require(
            eventually { FileManager.default.fileExists(atPath: path) || !coordinator.isRunning }, "no address")
        return try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func worker(_ name: String, at url: String, token: String) throws -> Program {
        try worker(["--coordinator", url, "--token-file", token, "--name", name, "--patience", "20"])
    }

    private func worker(_ options: [String]) throws -> Program {
        try Program(Project.executables + "/pipeline-worker", options + ["--device", "cpu"])
    }

    @Test("gives the same bytes as pipeline build, also when it is interrupted and resumed, and ends its workers")
    func sameBytes() throws {
        let site = try Site(count: 48)
        let manifest = try site.manifest("m", captions: "original", unitRows: 4, extra: Self.allowed)
        let reference = try site.build(manifest, to: "one")
        try #require(reference.status == 0, "\(reference.errors)")
        let (addressFile, token) = (site.folder + "/out/.state/coordinator", site.folder + "/out/.state/token")

        // The first worker is there before the coordinator, and stays when that is gone.
        let early = try worker(["--coordinator-file", addressFile, "--name", "w0"])
        let first = try coordinator(site, manifest)
        let shard = site.folder + "/out/shards/demo-000000.tar.zst"
        #expect(eventually { FileManager.default.fileExists(atPath: shard) || !first.isRunning })
        first.signal(SIGTERM)
        let stopped = first.wait()
        #expect(stopped.status == 143, "\(stopped)")
        #expect(stopped.errors.contains(/\ninterrupted at \d+ %, run the same command to resume\n/), "\(stopped)")
        #expect(!FileManager.default.fileExists(atPath: addressFile))
        #expect(early.isRunning, "\(early.errors)")

        let second = try coordinator(site, manifest)
        let workers = [early, try worker(["--coordinator-file", addressFile, "--name", "w1"])]
        let ended = second.wait()
        #expect(ended.status == 0, "\(ended)")
        for worker in workers { #expect(worker.wait().status == 0) }
        // One that comes when all is done hears of it at once.
        let late = try worker(["--coordinator-file", addressFile]).wait()
        #expect(late.status == 0 && late.errors == "the build is finished: nothing is left to do\n", "\(late)")
        #expect(ended.output == reference.output.replacing("/one", with: "/out"), "\(ended.output)")
        #expect(try site.files("out") == site.files("one"))
        #expect(try mode(token) == 0o600)
        // So it is after a coordinator that found nothing to do.
        try FileManager.default.removeItem(atPath: addressFile)
        #expect(try coordinator(site, manifest).wait().status == 0)
        #expect(try String(contentsOfFile: addressFile, encoding: .utf8) == "finished\n")
    }

    @Test("gets back what a worker holds that is asked to leave, which ends with 75, or to stop, with 143")
    func departures() throws {
        let site = try Site(count: 60)
        let manifest = try site.manifest(
            "m", captions: "original", unitRows: 3,
            extra: "fetch: {allow_private_addresses: true, per_host: {rate: 10}}")
        let addressFile = site.folder + "/out/.state/coordinator"
        let running = try coordinator(site, manifest)
        _ = try address(addressFile, of: running)
        for (number, signal, status) in [(0, SIGUSR1, Int32(75)), (1, SIGTERM, 143)] {
            let leaving = try worker(["--coordinator-file", addressFile, "--name", "w\(number)", "--grace", "0"])
            let shards = try shardCount(site)
            #expect(try eventually { try shardCount(site) > shards || !leaving.isRunning })
            leaving.signal(signal)
            let ended = leaving.wait()
            #expect(ended.status == status, "\(ended)")
        }
        let last = try worker(["--coordinator-file", addressFile, "--name", "w2"])
        let ended = running.wait()
        #expect(ended.status == 0 && !ended.errors.contains("failed for good"), "\(ended)")
        #expect(last.wait().status == 0)
    }

    @Test("hears of rows on which workers crash, and hands their units to others without them")
    func crashes() throws {
        let site = try Site(count: 28)
        let library = try site.crashingLibrary()
        let manifest = try site.manifest("m", captions: "original", unitRows: 7, extra: Self.allowed)
        try #require(site.build(manifest, to: "whole").status == 0)
        let running = try coordinator(site, manifest)
        let addressFile = site.folder + "/out/.state/coordinator"
        let workers = try (0..<2).map { number in
            try Program(
                Project.executables + "/pipeline-worker",
                [
                    "--coordinator-file", addressFile, "--name", "w\(number)", "--device", "cpu", "--patience", "60",
                ],
                environment: ["LD_PRELOAD": library])
        }
        let ended = running.wait()
        #expect(ended.status == 0, "\(ended.errors)")
        for worker in workers { #expect(worker.wait().status == 0) }
        try site.expectOnlyCrashesLost(ended.errors)
    }

    @Test("is waited for by workers as long as they are told")
    func patience() throws {
        let site = try Site(count: 4)
        let late = try worker(["--coordinator-file", site.folder + "/none", "--patience", "1"]).wait()
        #expect(late.status == 69 && late.errors.contains("none: no such file"), "\(late)")
        let gone = try worker(["--coordinator", "http://127.0.0.1:1", "--patience", "1"]).wait()
        #expect(gone.status == 69 && gone.errors.contains("no answer for 1.0 seconds"), "\(gone)")
        let neither = try worker([]).wait()
        #expect(neither.status == 64 && neither.errors.contains("--coordinator-file"), "\(neither)")
    }

    @Test("tells workers an address that they reach, and shows its readers what a token of theirs may see")
    func addressAndTokens() throws {
        let site = try Site(count: 8)
        let manifest = try site.manifest("m", captions: "original", unitRows: 4, extra: Self.allowed)
        let files = ["address", "token", "readers"].map { site.folder + "/" + $0 }
        let running = try coordinator(
            site, manifest,
            [
                "--listen", "0.0.0.0:0", "--advertise", "127.0.0.1", "--address-file", files[0], "--token-file",
                files[1], "--read-token-file", files[2], "--json",
            ])
        let url = try address(files[0], of: running)
        #expect(url.hasPrefix("http://127.0.0.1:"), "\(url)")
        #expect(try files.dropFirst().map(mode) == [0o600, 0o600])
        for (path, method, token, status) in [
            ("/metrics", "GET", files[2], "200"), ("/api/v1/leases", "POST", files[2], "401"),
            ("/metrics", "GET", manifest, "401"),
        ] {
            let answer = try Program.run(
                "/bin/bash",
                [
                    "-c",
                    #"curl -s -o /dev/null -w '%{http_code}' -X \#(method) -H "Authorization: Bearer $(head -1 "$T")" "$U""#,
                ], environment: ["T": token, "U": url + path])
            #expect(answer.output == status, "\(path) \(answer)")
        }
        let worker = try worker("w", at: url, token: files[1])
        let ended = running.wait()
        #expect(ended.status == 0 && ended.output.contains(#""phase" : "finished""#), "\(ended)")
        #expect(worker.wait().status == 0)
        #expect(try String(contentsOfFile: files[0], encoding: .utf8) == "finished\n")
    }

    @Test("refuses what it cannot listen on, and a second one on the same output")
    func refusals() throws {
        let site = try Site(count: 8)
        let manifest = try site.manifest("m", captions: "original", unitRows: 4, extra: Self.allowed)
        for listen in ["8400", "::1:8400", "host:8400", "[::1]", "127.0.0.1:70000"] {
            let ended = try coordinator(site, manifest, ["--listen", listen]).wait()
            #expect(ended.status == 64 && ended.errors.contains("--listen: want HOST:PORT"), "\(ended)")
        }
        let running = try coordinator(site, manifest)
        let url = try address(site.folder + "/out/.state/coordinator", of: running)
        let second = try coordinator(site, manifest).wait()
        #expect(second.status == 69 && second.errors.contains("wait for its end, or stop it"), "\(second)")
        #expect(try address(site.folder + "/out/.state/coordinator", of: running) == url)
        running.signal(SIGINT)
        #expect(running.wait().status == 130)
        try "short".write(toFile: site.folder + "/out/.state/token", atomically: true, encoding: .utf8)
        let unusable = try coordinator(site, manifest).wait()
        #expect(unusable.status == 65 && unusable.errors.contains("16 or more printable characters"), "\(unusable)")
    }

    private func shardCount(_ site: Site) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: site.folder + "/out/shards").count {
            $0.hasSuffix(".tar.zst")
        }
    }

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }
}
