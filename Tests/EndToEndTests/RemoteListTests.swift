import Foundation
import TestSupport
import Testing

/// A folder served over S3, by rclone, on a free port of loopback.
private final class ObjectStore {
    let environment: [String: String]
    private let server: Program

    init(_ folder: String) throws {
        let rclone = Project.root + "/.deps/python/bin/rclone"
        server = try Program(
            rclone,
            [
                "serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", "key,secret", "--vfs-cache-mode", "off",
                "--log-level", "NOTICE", folder,
            ],
            environment: ["RCLONE_CONFIG": folder + ".conf"])
        // It says where it serves: `Starting s3 server on [http://127.0.0.1:PORT/]`.
        let deadline = Date().addingTimeInterval(30)
        while !server.errors.contains("[http://") {
            guard server.isRunning, Date() < deadline else {
                throw CocoaError(.executableLoad, userInfo: ["server": server.errors])
            }
            usleep(20_000)
        }
        let address = server.errors.components(separatedBy: "[http://")[1].prefix { $0 != "]" && $0 != "/" }
        environment = [
            "AWS_ENDPOINT_URL": "http://\(address)", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        ]
    }

    deinit { server.signal(SIGKILL) }
}

@Suite("Lists from elsewhere") struct RemoteListTests {
    @Test("are fetched from S3, one by one and by patterns, and from the web, and built from")
    func everywhere() throws {
        let site = try Site(count: 12)
        let bucket = site.folder + "/objects/lists/deep folder"
        try FileManager.default.createDirectory(atPath: bucket, withIntermediateDirectories: true)
        for part in 0..<3 {
            try FileManager.default.copyItem(
                atPath: site.folder + "/demo/list.csv", toPath: "\(bucket)/part-\(part).csv")
        }
        try "nothing".write(toFile: bucket + "/other.txt", atomically: false, encoding: .utf8)
        let store = try ObjectStore(site.folder + "/objects")

        func manifest(_ path: String) throws -> String {
            let file = site.folder + "/remote.yaml"
            try """
            version: 1
            name: remote
            shard: {samples: 20}
            image: {size: 64}
            fetch: {allow_private_addresses: true}
            sources: [{name: s, format: csv, path: "\(path)", captions: original}]
            """.write(toFile: file, atomically: false, encoding: .utf8)
            return file
        }
        func rows(_ path: String) throws -> Int {
            struct Plan: Decodable { let rows: Int }
            let ended = try Program.run(
                Site.pipeline, ["plan", "--manifest", try manifest(path), "--json"], environment: store.environment)
            try #require(ended.status == 0, "\(ended.errors)")
            return try JSONDecoder().decode(Plan.self, from: Data(ended.output.utf8)).rows
        }
        #expect(try rows("s3://lists/deep folder/part-*.csv") == 36)
        #expect(try rows("s3://lists/deep folder/part-1.csv") == 12)

        let build = site.buildArguments(try manifest("s3://lists/deep folder/part-0.csv"), to: "out", workers: 1)
        let built = try Program.run(Site.pipeline, build, environment: store.environment)
        #expect(built.status == 0 && built.output.contains("of 12 rows"), "\(built.errors)")
        // Gone on with, it needs the store no more.
        let again = try Program.run(Site.pipeline, build)
        #expect(again.status == 0, "\(again.errors)")

        // What cannot be had: one line, and the code that says whose fault it is.
        let missing = try Program.run(
            Site.pipeline, ["plan", "--manifest", try manifest("s3://lists/none.csv")], environment: store.environment)
        #expect(missing.status == 65 && missing.errors.contains("s3://lists/none.csv"), "\(missing.errors)")
        let refused = try Program.run(
            Site.pipeline, ["plan", "--manifest", try manifest("s3://lists/deep folder/part-0.csv")],
            environment: store.environment.merging(["AWS_SECRET_ACCESS_KEY": "wrong"]) { $1 })
        #expect(refused.status == 65 && refused.errors.contains("403"), "\(refused.errors)")
        let away = try Program.run(
            Site.pipeline, ["plan", "--manifest", try manifest("ftp://host/list.csv")], environment: store.environment)
        #expect(away.status == 65 && away.errors.contains("http, https or s3"), "\(away.errors)")
    }
}
