import Foundation
import Testing

@testable import Demonstrations

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

@Suite("The demonstration's server")
struct DemoServerTests {
    /// Runs `body` beside a server of a fresh folder with 60 rows.
    private func withServer(_ body: @Sendable @escaping (String, DemoDataset) async throws -> Void) async throws {
        let dataset = DemoDataset(seed: 4, count: 60)
        try await withFolder { folder in
            try await DemoFolder(folder).write(dataset, encoders: plainEncoders)
            let server = try DemoServer(folder: folder, delay: .zero)
            try await server.serve { try await body($0, dataset) }
        }
    }

    private func get(_ url: String) async throws -> (status: Int, headers: HTTPURLResponse, body: Data) {
        let (body, response) = try await URLSession.shared.data(from: try #require(URL(string: url)))
        let http = try #require(response as? HTTPURLResponse)
        return (http.statusCode, http, body)
    }

    @Test("answers each row as the data set says, on a port of its own")
    func rows() async throws {
        try await withServer { base, dataset in
            for row in dataset.rows {
                guard let file = row.file else { continue }
                let answer = try await self.get("\(base)/\(file)")
                #expect(answer.status == (row.oddity == .missing ? 404 : 200), "\(file)")
                if answer.status == 200 { #expect(Array(answer.body) == (try row.bytes(plainEncoders)), "\(file)") }
                #expect(
                    answer.headers.value(forHTTPHeaderField: "X-Robots-Tag") == (row.oddity == .optedOut ? "noai" : nil)
                )
                if row.oddity == .mislabelled {
                    #expect(answer.headers.value(forHTTPHeaderField: "Content-Type") == "text/plain")
                }
            }
        }
    }

    @Test("shows nothing but the images")
    func walls() async throws {
        try await withServer { base, _ in
            for path in [
                "/", "/truth.jsonl", "/list.csv", "/images/", "/images/..%2ftruth.jsonl", "/images/0.txt", "/x/1.jpg",
            ] {
                let answer = try await self.get(base + path)
                #expect(answer.status == 404, "\(path)")
            }
        }
    }
}
