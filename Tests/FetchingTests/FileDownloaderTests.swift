import Foundation
import Samples
import TestSupport
import Testing

@testable import Fetching

@Suite("A file downloader") struct FileDownloaderTests {
    private let server = WebServer.shared
    private let downloader = FileDownloader(
        HTTPClient(userAgent: "test"), s3: S3Endpoint(environment: [:]), clock: RecordingClock())

    /// Downloads `target`; gives the bytes.
    private func download(_ target: String, begun: (bytes: [UInt8], tag: String)? = nil) async throws -> [UInt8] {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/list"
        if let begun {
            try Data(begun.bytes).write(to: URL(fileURLWithPath: path + ".partial"))
            try begun.tag.write(toFile: path + ".partial.tag", atomically: false, encoding: .utf8)
        }
        try await downloader.download(server.url(target), to: path)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["list"])
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    @Test(
        "gives a file whole, with ranges and without, behind redirects, after faults",
        arguments: [
            "ok", "ranges", "to?/ranges", "fails-once?download",
        ])
    func whole(target: String) async throws {
        #expect(try await download(target) == goodBody)
    }

    @Test("resumes an interrupted download, and starts over when the file has changed")
    func resumed() async throws {
        let begun = Array(goodBody.prefix(1000))
        #expect(try await download("ranges?resumed", begun: (begun, "\"v1\"")) == goodBody)
        #expect(try await server.ask("asked-range?resumed") == "bytes=1000-33555431")
        // Other bytes under another tag: If-Range makes the server send the whole.
        #expect(try await download("ranges?changed", begun: ([UInt8](repeating: 7, count: 1000), "\"v0\"")) == goodBody)
        // All bytes are there, only the rename is missing.
        #expect(try await download("ranges?complete", begun: (goodBody, "\"v1\"")) == goodBody)
    }

    @Test("takes an empty object for what it is, and a server that knows no ranges", .timeLimit(.minutes(1)))
    func noRanges() async throws {
        #expect(try await download("empty-object").isEmpty)
        #expect(try await download("no-ranges") == goodBody)
    }

    @Test(
        "says what a server answered", .timeLimit(.minutes(1)),
        arguments: ["status?405", "status?416", "loop", "nowhere", "empty-part"])
    func refused(target: String) async throws {
        let failure = try await #require(throws: FetchFailure.self) { try await download(target) }
        #expect(failure.rejection.message.contains(server.url("")), "\(failure)")
    }
}

@Suite("An S3 endpoint") struct S3EndpointTests {
    @Test("makes URLs of buckets and keys, here and at Amazon")
    func urls() {
        let own = S3Endpoint(environment: ["AWS_ENDPOINT_URL": "http://s3.local:9000/", "AWS_REGION": "eu-west-1"])
        #expect(own.url(bucket: "b", key: "a dir/l+1.tsv") == "http://s3.local:9000/b/a%20dir/l%2B1.tsv")
        let amazon = S3Endpoint(environment: ["AWS_REGION": "eu-west-1"])
        #expect(amazon.url(bucket: "b", key: "l.tsv") == "https://b.s3.eu-west-1.amazonaws.com/l.tsv")
        #expect(amazon.signature == nil && amazon.headers.isEmpty)
        let signed = S3Endpoint(environment: ["AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"])
        #expect(signed.signature?.region == "us-east-1" && signed.headers.map(\.name) == ["x-amz-content-sha256"])
        #expect(S3Endpoint.parts(of: "s3://b/k/l")?.key == "k/l" && S3Endpoint.parts(of: "s3://b") == nil)
    }
}
