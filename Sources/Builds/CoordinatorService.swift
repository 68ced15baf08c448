import Commands
import Coordination
import Files
import Foundation
import Logging
import Storage
import Transport

/// The coordinator of a build as workers meet it: tokens and address in files, and the server.
struct CoordinatorService {
    private let listening: Listening
    private let credentials: Credentials
    private let hostLimits: (connections: Int, rate: Double)
    private let logger: Logger
    /// The file with the workers' token.
    let tokenFile: String

    /// Reads the tokens, or makes them; `hostLimits` are what all workers together may ask of one host.
    init(
        _ listening: Listening, _ output: OutputDirectory, hostLimits: (connections: Int, rate: Double),
        _ logger: Logger
    ) throws {
        self.hostLimits = hostLimits
        (self.listening, self.logger) = (listening, logger)
        tokenFile = listening.tokenFile ?? output.tokenPath
        credentials = Credentials(
            workers: try AccessToken(keptInFile: tokenFile),
            readers: try listening.readTokenFile.map(AccessToken.init(keptInFile:)))
    }

    /// Serves `coordinator` while `body` runs, which is given the address that workers reach.
    ///
    /// The address file has that address meanwhile. When `body` returns it says that nothing is left to do; when `body` throws it is
    /// removed, unless another coordinator has written its own.
    func serve(_ coordinator: Coordinator, _ body: @escaping @Sendable (String) async throws -> Void) async throws {
        var settings = CoordinatorServer.Settings()
        (settings.host, settings.port) = (listening.host, listening.port)
        settings.hostLimits = hostLimits
        let server = try CoordinatorServer(coordinator, settings: settings, credentials: credentials, logger: logger)
        try await server.serve { [self] url in
            let url = advertised(url)
            try listening.address?.announce(url)
            do {
                try await body(url)
            } catch {
                listening.address?.withdraw(url)
                throw error
            }
            listening.sayFinished(logger)
        }
    }

    /// The URL that workers are told, where the server listens at `url`.
    private func advertised(_ url: String) -> String {
        let standsForAll = ["0.0.0.0", "::"].contains(listening.host)
        guard let host = listening.advertisedHost ?? (standsForAll ? ProcessInfo.processInfo.hostName : nil),
            let port = url.split(separator: ":").last
        else { return url }
        return "http://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}
