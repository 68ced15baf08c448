import Coordination
import Foundation
import Locks
import TestSupport
import Testing

@testable import Transport

@Suite("Metrics", .timeLimit(.minutes(1))) struct MetricsTests {
    /// The metrics of a coordinator that has done something.
    private func scraped() async throws -> String {
        let text = Text()
        try await Service.run { (service: Service) async throws in
            let (client, token) = (service.client(), "Bearer \(service.token.secret)")
            guard case .granted(let grants) = try await client.acquire(), let grant = grants.first else { return }
            _ = try await client.publish(grant.lease, someResult)
            _ = try await service.request("GET", "/nothing/\(UUID())", token: token)
            _ = try await service.request("GET", "/metrics", token: token)
            let answer = try await service.request("GET", "/metrics", token: token)
            text.value.withLock { $0 = answer.body }
        }
        return text.value.withLock { $0 }
    }

    @Test("say how far the build is, and what was asked of the coordinator")
    func values() async throws {
        let text = try await scraped()
        for line in [
            #"pipeline_units{source="a",state="published"} 1"#, #"pipeline_units{source="a",state="waiting"} 1"#,
            #"pipeline_rows{source="a",state="published"} 10"#, #"pipeline_samples{source="a"} 7"#,
            #"pipeline_rows_left_out{source="a",reason="http_error"} 3"#, #"pipeline_build_phase{phase="running"} 1"#,
            #"pipeline_build_phase{phase="finished"} 0"#,
            #"pipeline_http_requests_total{route="leases",status="200"} 1"#,
            #"pipeline_http_requests_total{route="none",status="404"} 1"#,
            #"pipeline_http_request_duration_seconds_count{route="publish"} 1"#,
            #"pipeline_http_request_duration_seconds_bucket{route="publish",le="+Inf"} 1"#,
        ] { #expect(text.contains("\(line)\n"), "\(line)") }
        #expect(text.contains("\nprocess_resident_memory_bytes "))
    }

    @Test("have their names in the documents, and no others stand there")
    func names() async throws {
        let served = Set(
            try await scraped().split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map {
                String($0.split(separator: " ")[2])
            })
        let page = try String(contentsOfFile: Project.root + "/docs/api.md", encoding: .utf8)
        let documented = Set(
            page.split(separator: "\n").compactMap { line in
                line.firstMatch(of: /^\| `((?:pipeline|process)_[a-z_]+)/).map { String($0.1) }
            })
        #expect(served == documented)
    }

    @Test("are written so that labels cannot break out of their line")
    func escaping() {
        var family = MetricFamily("a", .gauge, "one\ntwo \\")
        family.add(1.5, ["x": "quote \" line \n back \\"])
        family.add(Double.infinity)
        family.add(1e300)
        #expect(
            family.text
                == "# HELP a one\\ntwo \\\\\n# TYPE a gauge\na{x=\"quote \\\" line \\n back \\\\\"} 1.5\na +Inf\na 1e+300\n"
        )
    }

    @Test(
        "are what promtool takes without a word",
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: promtool), "no .deps/promtool: run scripts/setup --tests"))
    func promtoolAgrees() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/metrics-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }  // only litter would be left
        try Data(try await scraped().utf8).write(to: URL(fileURLWithPath: path))
        let ended = try Program.run("/bin/sh", ["-c", "exec '\(promtool)' check metrics < '\(path)'"])
        #expect(ended.status == 0 && ended.errors.isEmpty && ended.output.isEmpty, "\(ended.output)\(ended.errors)")
        try Data("no metrics at all {".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try Program.run("/bin/sh", ["-c", "exec '\(promtool)' check metrics < '\(path)'"]).status != 0)
    }
}

private final class Text: Sendable {
    let value = Locked("")
}

private let promtool = Project.root + "/.deps/promtool"
