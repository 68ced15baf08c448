import Files
package import Foundation
import Logging
import Serving

/// Serves a ``DemoFolder`` over HTTP on loopback, with the manners of the web.
///
/// Files under `images/` come as they are; under `slow/` after a while; under `optout/` with `X-Robots-Tag: noai`; under
/// `mislabelled/` as plain text. What is not there is answered with 404.
package struct DemoServer: Sendable {
    private let server: WebServer

    /// A server of `folder` on 127.0.0.1.
    ///
    /// `port` 0 takes any that is free; `delay` is how long a slow file takes to begin.
    package init(folder: URL, port: UInt16 = 0, delay: Duration = .milliseconds(300)) throws(DemoError) {
        let logger = Logger(label: "demo") { _ in SwiftLogNoOpLogHandler() }
        do {
            server = try WebServer(host: "127.0.0.1", port: port, logger: logger) {
                await Self.answer($0, folder, delay)
            }
        } catch {
            throw DemoError(code: .listen, subject: error.address, text: error.text)
        }
    }

    /// Serves while `body` runs, which is given the address, such as `http://127.0.0.1:8080`.
    package func serve(_ body: @escaping @Sendable (_ baseURL: String) async throws -> Void) async throws {
        do {
            try await server.serve(body)
        } catch let error as ServingError {
            throw DemoError(code: .listen, subject: error.address, text: error.text)
        }
    }

    private static func answer(_ request: WebRequest, _ root: URL, _ delay: Duration) async -> WebAnswer {
        guard request.method == "GET" || request.method == "HEAD" else { return WebAnswer(status: 405) }
        guard let path = Path(request.path) else { return WebAnswer(status: 404) }
        let file = root.appending(path: "\(path.folder)/\(path.name)")
        // A file that is not there is the data set's own way to be missing.
        guard let body = await blocking({ try? Data(contentsOf: file) }) else { return WebAnswer(status: 404) }
        var headers = [("Content-Type", path.folder == "mislabelled" ? "text/plain" : path.mediaType)]
        if path.folder == "optout" { headers.append(("X-Robots-Tag", "noai")) }
        if path.folder == "slow" { try? await Task.sleep(for: delay) }  // ends early when the server does
        return WebAnswer(status: 200, headers: headers, body: body)
    }

    /// A path that the demonstration can have: a folder of it, digits, an ending; nothing else reaches the disk.
    private struct Path {
        let folder: Substring
        let name: Substring
        let mediaType: String

        init?(_ path: String) {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0].isEmpty else { return nil }
            (folder, name) = (parts[1], parts[2])
            let pieces = name.split(separator: ".", omittingEmptySubsequences: false)
            guard ["images", "optout", "slow", "mislabelled"].contains(folder), pieces.count == 2,
                pieces[0].allSatisfy({ $0.isASCII && $0.isNumber }),
                let format = DemoRow.Format(rawValue: String(pieces[1]))
            else { return nil }
            mediaType = "image/\(format == .jpeg ? "jpeg" : format.rawValue)"
        }
    }
}
