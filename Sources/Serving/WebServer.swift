import Foundation
import HTTPTypes
import HummingbirdCore
import Locks
package import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOPosix

/// Why a server does not serve.
package struct ServingError: Error, Hashable, CustomStringConvertible {
    /// The address that it was to listen on.
    package let address: String
    package let text: String

    /// `address: text`.
    package var description: String { "\(address): \(text)" }
}

/// An HTTP/1.1 server that gives every request to one function, and lets no client take more than its share.
///
/// What a client may take is in ``WebLimits``: headers, time and connections here, bodies where they are asked for. A request of which the
/// head is too long, or no HTTP, is answered with 400; one that is too slow is not answered. Requests are answered on the
/// shared threads of the process: what blocks has to go elsewhere. TLS is a proxy's affair.
package struct WebServer: Sendable {
    /// Answers a request; what it does not read of the body is dropped, with the connection.
    package typealias Respond = @Sendable (WebRequest) async -> WebAnswer

    private let host: String
    private let port: Int
    private let limits: WebLimits
    private let logger: Logger
    private let respond: Respond
    let connections: Connections

    /// A server for an address such as `127.0.0.1`, `::1` or `localhost`; `port` 0 takes a free one.
    package init(
        host: String, port: UInt16, limits: WebLimits = WebLimits(), connections: Connections? = nil, logger: Logger,
        respond: @escaping Respond
    ) throws(ServingError) {
        guard host == "localhost" || Self.isAddress(host) else {
            throw ServingError(address: host, text: "no IP address")
        }
        (self.host, self.port, self.limits, self.respond) = (host, Int(port), limits, respond)
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        self.logger = quiet
        self.connections = connections ?? Connections(limit: limits.connections)
    }

    /// Whether only this machine reaches `host`.
    package static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || isAddress(host) && host.hasPrefix("127.")
    }

    private static func isAddress(_ host: String) -> Bool {
        (try? SocketAddress(ipAddress: host, port: 0)) != nil  // why it is none does not matter
    }

    /// Listens while `body` runs, which is given the server's URL, such as `http://127.0.0.1:40123`.
    ///
    /// Also while a cancelled `body` comes to its end. Requests that are being answered then are answered.
    package func serve<Value: Sendable>(
        _ body: @escaping @Sendable (_ url: String) async throws -> Value
    ) async throws -> Value {
        let ports = AsyncThrowingStream<Int, any Error>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let server = Server(
            childChannelSetup: LimitedChannel(limits: limits, connections: connections, responder: answer),
            configuration: ServerConfiguration(address: .hostname(host, port: port), backlog: 1024),
            onServerRunning: { [port] in ports.continuation.yield($0.localAddress?.port ?? port) },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        // No child: when `body` is cancelled it still has clients to hear out, so the server ends after it.
        let serving = Task {
            do {
                try await server.run()
                ports.continuation.finish()
            } catch {
                ports.continuation.finish(throwing: ServingError(address: "\(host):\(port)", text: "\(error)"))
            }
        }
        do {
            let value = try await run(body, ports.stream)
            await end(server, serving)
            return value
        } catch {
            await end(server, serving)
            throw error
        }
    }

    /// Runs `body` once there is a port; ends with a fault when the server does.
    private func run<Value: Sendable>(
        _ body: @escaping @Sendable (_ url: String) async throws -> Value, _ ports: AsyncThrowingStream<Int, any Error>
    ) async throws -> Value {
        var running = ports.makeAsyncIterator()
        guard let port = try await running.next() else { throw CancellationError() }
        let name = host.contains(":") ? "[\(host)]" : host
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body("http://\(name):\(port)") }
            group.addTask {
                for try await _ in ports {}
                try Task.checkCancellation()
                throw ServingError(address: "\(name):\(port)", text: "the server stopped")
            }
            defer { group.cancelAll() }
            while let result = await group.nextResult() {
                switch result {
                case .success(let value): if let value { return value }
                // The end of the watch says nothing: the body is still to come to its own.
                case .failure(is CancellationError) where Task.isCancelled: continue
                case .failure(let error): throw error
                }
            }
            throw CancellationError()
        }
    }

    /// Takes no more connections, lets requests be answered that were read, and ends.
    private func end(_ server: Server<LimitedChannel>, _ serving: Task<Void, Never>) async {
        let patience = Task { [limits, connections] in
            try await Task.sleep(for: limits.endTime)
            connections.closeAll()
        }
        do {
            try await server.shutdownGracefully()
        } catch {
            logger.debug("the server did not end in order", metadata: ["reason": "\(error)"])
        }
        patience.cancel()
        serving.cancel()
    }

    private func answer(_ request: Request, _ writer: consuming ResponseWriter) async throws {
        let answer = await respond(WebRequest(request))
        try await answer.write(to: writer, method: request.method.rawValue)
    }
}

/// Puts the limits around the decoder of each connection.
private struct LimitedChannel: HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    let limits: WebLimits
    let connections: Connections
    let responder: HTTPChannelHandler.Responder

    init(
        limits: WebLimits, connections: Connections,
        responder: @escaping @Sendable (Request, consuming ResponseWriter) async throws -> Void
    ) {
        (self.limits, self.connections) = (limits, connections)
        self.responder = { request, writer, _ in try await responder(request, writer) }
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            var decoding = NIOHTTPDecoderLimitConfiguration()
            decoding.maxHeaderFieldSize = limits.headerFieldBytes
            decoding.maxHeaderListSize = limits.headerBytes
            decoding.maxHeaderFieldCount = limits.headerCount
            let requests = RequestLimits(limits, connections)
            let pipeline = channel.pipeline.syncOperations
            // An answer is one write, and goes out at once.
            try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
            try pipeline.addHandler(ByteGate(requests))
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoding)
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            try pipeline.addHandler(requests)
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: nil, logger: logger))
            let connection = try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
            connections.open(channel)
            return connection
        }
    }

    func handle(value: Value, logger: Logger) async { await handleHTTP(asyncChannel: value, logger: logger) }
}
