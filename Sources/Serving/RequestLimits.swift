import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// What a client may take of a server's time and memory.
package struct WebLimits: Sendable {
    /// Of a header, and of the request's target.
    package var headerFieldBytes = 16 << 10
    /// Of all headers of a request.
    package var headerBytes = 32 << 10
    package var headerCount = 100
    /// From the first byte of a request to the end of its headers.
    package var headerTime: Duration = .seconds(10)
    /// From the end of the headers to the end of the body.
    package var bodyTime: Duration = .seconds(60)
    /// Without a request.
    package var idleTime: Duration = .seconds(75)
    /// How long a client that is refused may go on sending before the connection ends, so that it hears the answer.
    package var lingerTime: Duration = .seconds(2)
    /// How long the server waits for requests that are being answered when it ends.
    package var endTime: Duration = .seconds(5)
    /// Open at once.
    package var connections = 8192

    package init() {}
}

/// How far the request is that a connection brings, and until when it must be further.
struct RequestTimes {
    enum Phase: Hashable { case idle, head, body, draining }

    let limits: WebLimits
    private(set) var phase = Phase.idle
    /// Requests that have been read and not been answered.
    private(set) var unanswered = 0
    private var since: NIODeadline

    init(limits: WebLimits, now: NIODeadline) { (self.limits, since) = (limits, now) }

    /// When the connection is to end unless something happens; nil while the client waits for the server.
    var deadline: NIODeadline? {
        switch phase {
        case .idle: unanswered == 0 ? since + TimeAmount(limits.idleTime) : nil
        case .head: unanswered == 0 ? since + TimeAmount(limits.headerTime) : nil
        case .body: since + TimeAmount(limits.bodyTime)
        case .draining: since + TimeAmount(limits.lingerTime)
        }
    }

    /// Whether the request that is answered next has not been read to its end.
    var isReadingLast: Bool { phase == .body && unanswered == 1 }

    mutating func bytesCame(now: NIODeadline) {
        if phase == .idle { (phase, since) = (.head, now) }
    }

    mutating func headCame(now: NIODeadline) {
        (phase, since) = (.body, now)
        unanswered += 1
    }

    mutating func bodyEnded(now: NIODeadline) { (phase, since) = (.idle, now) }

    /// An answer has been written, after which the connection `closes` or not.
    mutating func answered(now: NIODeadline, closes: Bool) {
        unanswered = max(0, unanswered - 1)  // what cannot be read is answered too
        if phase != .body { since = now }
        if closes { (phase, since) = (.draining, now) }
    }
}

/// Ends connections on which a client is too slow, and those that are to end with an answer.
///
/// It stands behind the decoder; a ``ByteGate`` before the decoder tells it of bytes that make no head yet.
final class RequestLimits: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let connections: Connections
    private var times: RequestTimes
    private var closesAfterAnswer = false
    private var timer: (fires: NIODeadline, task: Scheduled<Void>)?

    init(_ limits: WebLimits, _ connections: Connections) {
        self.connections = connections
        times = RequestTimes(limits: limits, now: .now())
    }

    var isDraining: Bool { times.phase == .draining }

    func handlerAdded(context: ChannelHandlerContext) { arm(context) }

    func handlerRemoved(context: ChannelHandlerContext) { disarm() }

    func channelInactive(context: ChannelHandlerContext) {
        disarm()
        context.fireChannelInactive()
    }

    func bytesCame() { times.bytesCame(now: .now()) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            times.headCame(now: .now())
            connections.began(context.channel)
        case .body: break
        case .end: times.bodyEnded(now: .now())
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        arm(context)
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            // What is left of a request that is answered already is not read.
            closesAfterAnswer = times.isReadingLast || head.headerFields[.connection] == "close"
            if closesAfterAnswer { head.headerFields[.connection] = "close" }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            times.answered(now: .now(), closes: closesAfterAnswer)
            if times.unanswered == 0 { connections.answered(context.channel) }
            context.write(data, promise: promise)
            if closesAfterAnswer {
                // Bytes that nobody reads would take the answer back: the system resets such a connection.
                context.flush()
                context.close(mode: .output, promise: nil)
            }
            arm(context)
        }
    }

    /// Sees to it that the timer fires at the deadline, or before, when it looks again.
    private func arm(_ context: ChannelHandlerContext) {
        guard let deadline = times.deadline else { return }
        if let timer, timer.fires <= deadline { return }
        disarm()
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in
            timer = nil
            if let deadline = times.deadline, deadline <= .now() {
                context.close(promise: nil)
            } else {
                arm(context)
            }
        }
        timer = (deadline, task)
    }

    private func disarm() {
        timer?.task.cancel()
        timer = nil
    }
}

/// Counts what comes before it is decoded, and drops it once the connection is to end.
final class ByteGate: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let limits: RequestLimits

    init(_ limits: RequestLimits) { self.limits = limits }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if limits.isDraining { return }
        limits.bytesCame()
        context.fireChannelRead(data)
    }
}
