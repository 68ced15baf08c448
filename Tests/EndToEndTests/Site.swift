import Foundation
import TestSupport
import Testing

/// A demonstration data set served on loopback, small random checkpoints, and manifests over them, in a folder of a test.
final class Site {
    let folder: String
    private let server: Program

    /// Serves `count` rows.
    init(count: Int) throws {
        folder = try Project.temporaryFolder("site")
        server = try Program(
            Site.pipeline, ["demo", "--output", folder + "/demo", "--count", "\(count)", "--seed", "11"])
        let deadline = Date().addingTimeInterval(120)
        while !server.output.hasSuffix("\n") {
            guard server.isRunning, Date() < deadline else {
                throw CocoaError(.executableLoad, userInfo: ["server": server.errors])
            }
            usleep(20_000)
        }
    }

    deinit {
        server.signal(SIGKILL)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Stops or goes on with the server of images; while it is stopped it takes connections and says nothing.
    func setServer(isRunning: Bool) { server.signal(isRunning ? SIGCONT : SIGSTOP) }

    /// Ends the server of images.
    func stopServer() { server.signal(SIGKILL) }

    static let pipeline = Project.executables + "/pipeline"
    static let blip2 = Project.executables + "/blip2"

    /// Writes a manifest over the list; `extra` lines go at its top level.
    func manifest(_ name: String, captions: String, unitRows: Int, extra: String = "") throws -> String {
        let path = "\(folder)/\(name).yaml"
        try """
        version: 1
        name: \(name)
        seed: 7
        shard: {samples: \(unitRows)}
        image: {size: 96}
        \(extra)
        sources:
          - {name: demo, format: csv, path: demo/list.csv, captions: \(captions)}
        """.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// Makes the random checkpoints that manifests can name by their `roles`.
    func makeCheckpoints(_ roles: [String] = ["captioner", "ranker"]) throws {
        for role in roles {
            let made = try Program.run(Site.blip2, ["random-checkpoint", role, "--output", "\(folder)/\(role)"])
            try #require(made.status == 0, "\(made.errors)")
        }
    }

    /// Runs `pipeline build` to its end.
    func build(_ manifest: String, to output: String, workers: Int = 1) throws -> Program.Ended {
        try Program.run(Site.pipeline, buildArguments(manifest, to: output, workers: workers))
    }

    /// Runs `pipeline plan`.
    func plan(_ manifest: String) throws -> Program.Ended {
        try Program.run(Site.pipeline, ["plan", "--manifest", manifest])
    }

    func buildArguments(_ manifest: String, to output: String, workers: Int) -> [String] {
        ["build", "--manifest", manifest, "--output", "\(folder)/\(output)", "--workers", "\(workers)"]
    }

    /// What `pipeline status` says of one source.
    struct SourceStatus: Decodable {
        let name: String
        let samples: Int
        /// Rows left out, by their status.
        let rejections: [String: Int]
    }

    /// What `pipeline status` says of an output's sources, in the manifest's order.
    func status(_ output: String) throws -> [SourceStatus] {
        struct Status: Decodable { let sources: [SourceStatus] }
        let ended = try Program.run(Site.pipeline, ["status", "--output", "\(folder)/\(output)", "--json"])
        try #require(ended.status == 0, "\(ended.errors)")
        return try JSONDecoder().decode(Status.self, from: Data(ended.output.utf8)).sources
    }

    /// A library of the C functions in `source`, for `LD_PRELOAD`.
    func library(_ source: String) throws -> String {
        let path = folder + "/preloaded.so"
        try source.write(toFile: folder + "/preloaded.c", atomically: true, encoding: .utf8)
        let compiled = try Program.run(
            "/usr/bin/env", ["cc", "-shared", "-fPIC", "-w", "-o", path, folder + "/preloaded.c"])
        try #require(compiled.status == 0, "\(compiled.errors)")
        return path
    }

    /// A libspng that crashes on every picture: loaded before the real one, it is what workers call.
    func crashingLibrary() throws -> String {
        try library(
            """
            #include <signal.h>
            #include <stddef.h>
            int spng_decode_image(void *c, void *o, size_t n, int f, int g) { raise(SIGSEGV); return 1; }
            """)
    }

    /// Checks that `out`, which was built with `crashingLibrary` and said `log`, lacks the PNGs of `whole` and nothing else.
    func expectOnlyCrashesLost(_ log: String) throws {
        let (before, after) = (try status("whole")[0], try status("out")[0])
        let lost = before.samples - after.samples
        #expect(lost > 0, "no picture was a PNG")
        #expect(after.rejections["decode_error", default: 0] == before.rejections["decode_error", default: 0] + lost)
        let crashes = try String(contentsOfFile: folder + "/out/.state/crashes", encoding: .utf8)
        #expect(crashes.split(separator: "\n").count == lost && log.contains("a decoder crashed"))
    }

    /// Every file of an output but its state, with its bytes.
    func files(_ output: String) throws -> [String: Data] {
        let root = "\(folder)/\(output)"
        let paths = try FileManager.default.subpathsOfDirectory(atPath: root).filter { !$0.hasPrefix(".state") }
        var files: [String: Data] = [:]
        for path in paths {
            if let data = FileManager.default.contents(atPath: "\(root)/\(path)") { files[path] = data }
        }
        return files
    }
}

/// The processes whose parent is `parent`.
func children(of parent: Int32) -> [Int32] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap(Int32.init).filter { pid in
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = stat.lastIndex(of: ")")
        else { return false }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        return fields.count > 1 && Int32(fields[1]) == parent
    }
}

/// Waits until `condition` holds or a minute has passed; whether it holds.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Date().addingTimeInterval(60)
    while Date() < deadline {
        if try condition() { return true }
        usleep(5_000)
    }
    return false
}
