import FlyingFox
import FlyingSocks
package import Foundation

/// Serves a ``DemoFolder`` over HTTP on loopback, with the manners of the web.
///
/// Files under `images/` come as they are; under `slow/` after a while; under `optout/` with `X-Robots-Tag: noai`; under
/// `mislabelled/` as plain text. What is not there is answered with 404.
package struct DemoServer: Sendable {
    private let server: HTTPServer

    /// A server of `folder` on 127.0.0.1.
    ///
    /// `port` 0 takes any that is free; `delay` is how long a slow file takes to begin.
    package init(folder: URL, port: UInt16 = 0, delay: Duration = .milliseconds(300)) throws(DemoError) {
        let address: sockaddr_in
        do { address = try .inet(ip4: "127.0.0.1", port: port) } catch {
            throw DemoError(code: .listen, subject: "127.0.0.1:\(port)", text: "\(error)")
        }
        server = HTTPServer(
            address: address, logger: .disabled,
            handler: ClosureHTTPHandler { try await Self.answer($0, folder, delay) })
    }

    /// Serves until the surrounding task is cancelled.
    package func run() async throws { try await server.run() }

    /// Waits until requests are taken, and tells where, such as `http://127.0.0.1:8080`.
    package func baseURL() async throws -> String {
        try await server.waitUntilListening()
        guard case .ip4(let host, let port) = await server.listeningAddress else {
            throw DemoError(code: .listen, subject: "127.0.0.1", text: "the server has stopped")
        }
        return "http://\(host):\(port)"
    }

    private static func answer(_ request: HTTPRequest, _ root: URL, _ delay: Duration) async throws -> HTTPResponse {
        guard request.method == .GET || request.method == .HEAD else {
            return HTTPResponse(statusCode: .methodNotAllowed)
        }
        guard let path = Path(request.path) else { return HTTPResponse(statusCode: .notFound) }
        let file = root.appending(path: "\(path.folder)/\(path.name)")
        // A file that is not there is the data set's own way to be missing.
        guard let body = try? Data(contentsOf: file) else { return HTTPResponse(statusCode: .notFound) }
        var headers: HTTPHeaders = [.contentType: path.folder == "mislabelled" ? "text/plain" : path.mediaType]
        if path.folder == "optout" { headers[HTTPHeader("X-Robots-Tag")] = "noai" }
        if path.folder == "slow" { try await Task.sleep(for: delay) }
        return HTTPResponse(statusCode: .ok, headers: headers, body: body)
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
