import Files
import Foundation
import Locks

/// Where the coordinator is and what it is shown; read again from their files when it does not answer, or does not know the token.
package final class CoordinatorAccess: Sendable {
    /// What a request needs.
    struct Values: Sendable {
        var url: String
        var token: AccessToken?
    }

    private let urlFile: String?
    private let tokenFile: String?
    private let values: Locked<Values>

    /// An address and a token that never change.
    package init(url: String, token: AccessToken?) {
        (urlFile, tokenFile) = (nil, nil)
        values = Locked(Values(url: Self.trimmed(url), token: token))
    }

    /// The address `url`, or that in the file `urlFile`, with the token in `tokenFile`.
    package init(url: String?, urlFile: String?, tokenFile: String?) throws(TransportError) {
        (self.urlFile, self.tokenFile) = (url == nil ? urlFile : nil, tokenFile)
        var values = Values(url: Self.trimmed(url ?? ""), token: nil)
        if url == nil { values.url = try Self.readURL(urlFile ?? "") }
        if let tokenFile { values.token = try AccessToken(contentsOfFile: tokenFile) }
        self.values = Locked(values)
    }

    /// The address and the token in files that a coordinator has written, or writes within `patience`.
    package static func written(
        urlFile: String, tokenFile: String?, within patience: Duration
    ) async throws -> CoordinatorAccess {
        let deadline = ContinuousClock.now + patience
        while true {
            do {
                return try CoordinatorAccess(url: nil, urlFile: urlFile, tokenFile: tokenFile)
            } catch {
                guard ContinuousClock.now < deadline else { throw error }
            }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    var current: Values { values.withLock { $0 } }

    /// Whether anything may change.
    var canChange: Bool { urlFile != nil || tokenFile != nil }

    /// Whether the address may change.
    var canMove: Bool { urlFile != nil }

    /// Reads the files again; answers whether they say something else than before.
    ///
    /// A file that is not there, or half written, says nothing new.
    func refresh() async -> Bool {
        guard canChange else { return false }
        return await blocking { [self] in
            let url = urlFile.flatMap { try? Self.readURL($0) }
            let token = tokenFile.flatMap { try? AccessToken(contentsOfFile: $0) }
            return values.withLock { values in
                let old = values
                values.url = url ?? old.url
                values.token = token ?? old.token
                return values.url != old.url || values.token?.secret != old.token?.secret
            }
        }
    }

    private static func readURL(_ path: String) throws(TransportError) -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw TransportError(.unreachable, path, "no such file, or permission denied")
        }
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.hasPrefix("http://") || text.hasPrefix("https://"), !text.contains(where: \.isWhitespace) else {
            throw TransportError(.unreachable, path, "does not hold a coordinator's address")
        }
        return trimmed(text)
    }

    private static func trimmed(_ url: String) -> String { url.hasSuffix("/") ? String(url.dropLast()) : url }
}
