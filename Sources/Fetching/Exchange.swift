import Locks

/// One request, and what is wanted of its answer.
struct ExchangeRequest: Sendable {
    /// What to do with the body of an answer, decided when its head is there.
    enum BodyUse: Sendable {
        /// Keep it.
        case take
        /// Throw it away; a short one is read to keep the connection.
        case drain
        /// Break off before it comes.
        case refuse
    }

    /// A host's name, in ASCII or not, and the port there.
    struct Name: Sendable, Hashable {
        let host: String
        let port: Int
    }

    var method = "GET"
    /// The URL, in the plain form that libcurl reads as it was judged.
    var url: String
    /// The host that is asked: scheme, name and port.
    var origin: String
    /// The name and port behind which an address must be found; nil where libcurl finds it.
    var name: Name?
    /// Header lines, `Name: value`.
    var headers: [String] = []
    var body: [UInt8]?
    /// How the request is signed; nil for one that is not.
    var signature: RequestSignature?
    /// The longest time from the start of the connection to the last byte.
    var timeout: Duration
    /// The longest body, its content encoding undone.
    var maxBytes: Int
    var maxHeaderBytes: Int
    /// Called once, with the complete head, on the loop's thread.
    var bodyUse: @Sendable (ResponseHead) -> BodyUse
    /// Called for each address before it is connected to, on the loop's thread.
    var judge: @Sendable (NetworkAddress, Int) -> URLGuard.Verdict
    /// What an answer says about the host; called on the loop's thread.
    var hostOutcome: @Sendable (ExchangeAnswer) -> HostOutcome = { _ in .unknown }
    /// Who watches.
    var observer: any FetchObserver = NoFetchObserver()
    /// Whether to connect, and to ask nothing.
    var connectsOnly = false
}

/// What became of a request.
struct ExchangeAnswer: Sendable {
    enum Ending: Sendable, Hashable {
        /// The answer is whole.
        case complete
        /// The head is whole, its body was not wanted.
        case headOnly
        case timedOut
        case headTooLong
        case bodyTooLong
        /// The body's content encoding is broken, or none that was asked for.
        case undecodable
        /// No address of the host may be connected to, for this reason.
        case blocked(String)
        /// libcurl's code, and its text for it.
        case failed(UInt32, String)
        /// Nothing was asked: the host is given up, for this reason.
        case givenUp(HostFault)
        case cancelled
        case closed
    }

    /// How long a transfer took.
    struct Times: Sendable {
        /// Until there was a connection; nil where there was one.
        var connect: Duration?
        /// From the request to the first byte of the answer.
        var firstByte = Duration.zero
        /// From the start of the connection, or of its use, to the end.
        var elapsed = Duration.zero
    }

    /// How things stood with host and network at the end.
    struct Standing: Sendable {
        /// Whether a fault is not the row's: the host is put aside, or the network does not work.
        var excuses = false
        /// For how long the network was seen to work.
        var networkTime = Duration.zero
        /// When it was last; nil where nobody looks.
        var seen: ContinuousClock.Instant?
    }

    let ending: Ending
    let head: ResponseHead
    let body: [UInt8]
    let times: Times
    let standing: Standing
}

/// A request on its way.
///
/// Unchecked: the task that makes it hands it to the loop through a locked inbox, and from there on only the loop's
/// thread touches what changes.
final class Exchange: @unchecked Sendable {
    /// The longest body that is read only to keep the connection, in bytes.
    private static let longestDrain = 16_384
    /// The most that is reserved because a header announces it, in bytes.
    private static let largestReservation = 4 << 20

    let request: ExchangeRequest
    /// Whom the answer goes to, and whether it went or was there before anybody wanted it.
    private let receiver = Locked(Receiver.none)
    var isCancelled = false
    /// Its number where it waits or runs as a row's; none for one that only connects.
    var ticket: Frontier.Ticket?
    /// Where the host is, as libcurl reads it: `+name:port:address,address`.
    var resolution: String?
    /// Whether its observer was told that it is put off.
    var isPutOff = false
    private(set) var head = ResponseHead()
    private(set) var body: [UInt8] = []
    private var decoder = ContentDecoder([])
    private(set) var use = ExchangeRequest.BodyUse.take
    /// Whether the body comes in chunks of HTTP 1.1.
    private(set) var isChunked = false
    private var drained = 0
    /// Why a callback broke the transfer off.
    private var stop: ExchangeAnswer.Ending?
    private var blocked: String?
    private var hasOpenedSocket = false

    private enum Receiver {
        case none
        case waiting(@Sendable (ExchangeAnswer) -> Void)
        case early(ExchangeAnswer)
        case served
    }

    init(_ request: ExchangeRequest) {
        self.request = request
    }

    /// Takes one line of the head; false breaks the transfer off.
    func receive(headerLine line: UnsafeRawBufferPointer) -> Bool {
        let wasComplete = head.isComplete
        head.add(line)
        guard head.byteCount <= request.maxHeaderBytes else {
            stop = .headTooLong
            return false
        }
        if head.isComplete, !wasComplete {
            request.observer.received(byteCount: head.byteCount)
            prepareForBody()
        }
        return use != .refuse && stop == nil
    }

    private func prepareForBody() {
        use = request.bodyUse(head)
        isChunked = !head.values(of: "transfer-encoding").isEmpty
        guard use == .take else { return }
        decoder = ContentDecoder(head.values(of: "content-encoding"))
        if decoder == nil { stop = .undecodable }
        guard let announced = head.values(of: "content-length").first.flatMap(Int.init) else { return }
        if announced > request.maxBytes { stop = .bodyTooLong }
        body.reserveCapacity(min(max(0, announced), request.maxBytes, Self.largestReservation))
    }

    /// Takes a part of the body; false breaks the transfer off.
    func receive(body part: UnsafeRawBufferPointer) -> Bool {
        guard use == .take else {
            drained += part.count
            return drained <= Self.longestDrain
        }
        request.observer.received(byteCount: part.count)
        guard decoder?.decode(part, append) == true else {
            stop = stop ?? .undecodable
            return false
        }
        return true
    }

    /// Adds bytes to the body, if there is room.
    private func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= request.maxBytes - body.count else {
            stop = .bodyTooLong
            return false
        }
        body.append(contentsOf: bytes)
        return true
    }

    /// Whether a body in chunks may go on after so many bytes on the wire: twice the limit, for the lines between chunks.
    func mayReceive(wireByteCount: Int) -> Bool {
        guard wireByteCount > 2 * request.maxBytes + request.maxHeaderBytes else { return true }
        stop = .bodyTooLong
        return false
    }

    /// Whether `address` may be connected to; remembers why not.
    func mayConnect(to address: NetworkAddress, port: Int) -> Bool {
        switch request.judge(address, port) {
        case .allowed:
            hasOpenedSocket = true
            return true
        case .blocked(let why):
            blocked = why
            return false
        }
    }

    /// Says who gets the answer, which may be there.
    func deliver(to receive: @escaping @Sendable (ExchangeAnswer) -> Void) {
        let early: ExchangeAnswer? = receiver.withLock { receiver in
            if case .early(let answer) = receiver {
                receiver = .served
                return answer
            }
            receiver = .waiting(receive)
            return nil
        }
        if let early { receive(early) }
    }

    /// Gives `answer` to who waits for it, or will; later answers are dropped.
    func finish(_ answer: ExchangeAnswer) {
        let receive: (@Sendable (ExchangeAnswer) -> Void)? = receiver.withLock { receiver in
            switch receiver {
            case .none: receiver = .early(answer)
            case .waiting(let receive):
                receiver = .served
                return receive
            case .early, .served: break
            }
            return nil
        }
        receive?(answer)
    }

    /// Ends it before anything came.
    func finish(_ ending: ExchangeAnswer.Ending) { finish(ExchangeAnswer(ending)) }

    /// The answer, with all that came; what came is given away.
    func answer(_ ending: ExchangeAnswer.Ending, _ times: ExchangeAnswer.Times) -> ExchangeAnswer {
        defer { body = [] }
        return ExchangeAnswer(
            ending: ending, head: head, body: body, times: times, standing: ExchangeAnswer.Standing())
    }

    func putOff(until instant: ContinuousClock.Instant) {
        isPutOff = true
        request.observer.putOff(until: instant)
    }

    /// What a transfer that libcurl ended with `outcome` has come to.
    func ending(of outcome: TransferOutcome) -> ExchangeAnswer.Ending {
        if let stop { return stop }
        if head.isComplete, use != .take { return .headOnly }
        switch outcome {
        case .done:
            guard use == .take, head.isComplete, decoder?.finish(append) != true else { return .complete }
            return stop ?? .undecodable
        case .timedOut: return .timedOut
        case .tooLarge: return .bodyTooLong
        case .notConnected(let code, let text):
            guard let blocked, !hasOpenedSocket else { return .failed(code, text) }
            return .blocked(blocked)
        case .failed(let code, let text): return .failed(code, text)
        }
    }
}

extension ExchangeAnswer {
    /// An end before anything came.
    init(_ ending: Ending) {
        self.init(ending: ending, head: ResponseHead(), body: [], times: Times(), standing: Standing())
    }

    func with(_ standing: Standing) -> ExchangeAnswer {
        ExchangeAnswer(ending: ending, head: head, body: body, times: times, standing: standing)
    }
}

/// How libcurl ended a transfer.
enum TransferOutcome {
    case done, timedOut, tooLarge
    case notConnected(UInt32, String)
    case failed(UInt32, String)
}
