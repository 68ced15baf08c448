import Commands
package import Coordination
import Fetching
import Foundation
import Storage
import Transport

/// What the coordinator of a build tells of it, wherever it runs.
package struct LiveStatus: Sendable {
    private let addressFile: String
    private let tokenFile: String

    /// Of the build into the folder `output`.
    package init(output: String) {
        let folder = OutputDirectory(output)
        (addressFile, tokenFile) = (folder.path(DatasetLayout.address), folder.path(DatasetLayout.token))
    }

    /// How far the build is; nil where no coordinator answers within seconds, or its address is not known.
    package func read() async -> BuildStatus? {
        guard FileManager.default.fileExists(atPath: addressFile) else { return nil }
        let http = HTTPClient(userAgent: "pipeline/\(softwareVersion)")
        defer { http.close() }
        var patience = RetryPolicy()
        (patience.patience, patience.timeout, patience.tokenPatience) = (.zero, .seconds(10), .zero)
        do {
            let access = try CoordinatorAccess(url: nil, urlFile: addressFile, tokenFile: tokenFile)
            return try await CoordinatorClient(access, worker: "", policy: patience, send: sender(http)).status()
        } catch {
            return nil  // it waits in the queue, or moves to another node
        }
    }
}
