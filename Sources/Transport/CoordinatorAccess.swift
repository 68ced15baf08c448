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

    private let urlFile: AddressFile?
    private let tokenFile: String?
    private let values: Locked<Values>

    /// An address and a token that never change.
    package init(url: String, token: AccessToken?) {
        (urlFile, tokenFile) = (nil, nil)
        values = Locked(Values(url: AddressFile.trimmed(url), token: token))
    }

    /// The address `url`, or that in the file `urlFile`, with the token in `tokenFile`.
    package init(url: String?, urlFile: String?, tokenFile: String?) throws(TransportError) {
        (self.urlFile, self.tokenFile) = (url == nil ? AddressFile(urlFile ?? "") : nil, tokenFile)
        var values = Values(url: AddressFile.trimmed(url ?? ""), token: nil)
        if let file = self.urlFile { values.url = try Self.address(in: file) }
        if let tokenFile { values.token = try AccessToken(contentsOfFile: tokenFile) }
        self.values = Locked(values)
    }

    /// How long a file must say that nothing is left to do: a coordinator that starts at this moment removes it first.
    private static let startTime: Duration = .seconds(5)

    /// The address and the token in files that a coordinator has written, or writes within `patience`.
    ///
    /// - Throws: A `TransportError`, of the code `finished` where the coordinator has ended because nothing was left to do.
    package static func written(
        urlFile: String, tokenFile: String?, within patience: Duration
    ) async throws -> CoordinatorAccess {
        let deadline = ContinuousClock.now + patience
        var finished: ContinuousClock.Instant?
        while true {
            do {
                return try CoordinatorAccess(url: nil, urlFile: urlFile, tokenFile: tokenFile)
            } catch {
                let now = ContinuousClock.now
                finished = error.code == .finished ? finished ?? now : nil
                guard now < deadline, finished.map({ now - $0 < startTime }) ?? true else { throw error }
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
    ///
    /// - Throws: `finished` where the coordinator has ended because nothing was left to do.
    func refresh() async throws -> Bool {
        guard canChange else { return false }
        return try await blocking { [self] in
            var url: String?
            do {
                url = try urlFile.map(Self.address)
            } catch let error as TransportError where error.code != .finished {
                // That coordinator may be starting, or another in its place.
            }
            let token = tokenFile.flatMap { try? AccessToken(contentsOfFile: $0) }
            return values.withLock { values in
                let old = values
                values.url = url ?? old.url
                values.token = token ?? old.token
                return values.url != old.url || values.token?.secret != old.token?.secret
            }
        }
    }

    private static func address(in file: AddressFile) throws(TransportError) -> String {
        switch try file.read() {
        case .address(let url): return url
        case .finished: throw TransportError(.finished, file.path, "the build is finished: nothing is left to do")
        }
    }
}
