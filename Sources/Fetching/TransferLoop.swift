import CCurl
import Glibc
import Locks
import Samples

/// Runs exchanges, hundreds at once, on one thread of its own around one multi handle of libcurl.
///
/// Connections are kept for reuse within one loop only, so what a loop may reach is decided by one policy.
/// Unchecked: `inbox` and `thread` are locked; `multi` is woken under the inbox's lock and otherwise, like all the rest,
/// used on the loop's thread only.
final class TransferLoop: @unchecked Sendable {
    private enum Command {
        case start(Exchange)
        case cancel(Exchange)
        case wake
        case stop
    }

    private struct Inbox {
        var commands: [Command] = []
        var isOpen = true
    }

    private let inbox = Locked(Inbox())
    private let thread = Locked<pthread_t?>(nil)
    private let multi: UnsafeMutableRawPointer
    private let userAgent: String
    let events: Events
    var frontier: Frontier
    /// Those that wait or run, by their tickets.
    private var exchanges: [Frontier.Ticket: Exchange] = [:]
    private var tickets: [ObjectIdentifier: Frontier.Ticket] = [:]
    private var lastTicket = 0
    private var running: [ObjectIdentifier: EasyHandle] = [:]
    private var idle: [EasyHandle] = []
    private let sockets = OpenSockets()
    /// Nil where libcurl finds addresses itself.
    let resolver: NameResolver?
    private let table: HostTable?
    /// The names of the hosts that were asked for, in ASCII, with their ports.
    var names: [String: ExchangeRequest.Name] = [:]
    var clock: ContinuousClock { ContinuousClock() }

    /// What the loop asks and tells, on its thread.
    struct Events: Sendable {
        /// Whether a transfer may start now; `wake` has it asked again.
        var hasRoom: @Sendable () -> Bool = { true }
        /// Whether an address may be connected to only to see whether the network works.
        var judge: @Sendable (NetworkAddress, Int) -> URLGuard.Verdict = { _, _ in .allowed }
        var outage: @Sendable (OutageEvent) -> Void = { _ in }
    }

    /// Starts the thread; how many exchanges run at once, and when, is up to `limits`.
    init(
        _ limits: Frontier.Limits, userAgent: String, resolver: NameResolver? = nil, table: HostTable? = nil,
        events: Events = Events()
    ) {
        precondition(Self.isReady, "libcurl cannot be set up")
        guard let multi = curl_multi_init() else { preconditionFailure("no memory for a transfer loop") }
        self.multi = multi
        self.userAgent = userAgent
        self.events = events
        self.resolver = resolver
        self.table = table
        frontier = Frontier(limits, at: ContinuousClock().now)
        ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, limits.slots)
        startThread()
    }

    /// libcurl's global state, made once in a process.
    private static let isReady = ccurl_global_init() == CURLE_OK

    /// Runs `request` when its turn comes; a cancelled task gets its answer at once.
    func run(_ request: ExchangeRequest) async -> ExchangeAnswer {
        let exchange = Exchange(request)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                exchange.deliver { continuation.resume(returning: $0) }
                if !post(.start(exchange)) { exchange.finish(.closed) }
            }
        } onCancel: {
            post(.cancel(exchange))
        }
    }

    /// Looks again whether there is room for what waits.
    func wake() { post(.wake) }

    /// Ends all exchanges, and the thread.
    ///
    /// Their answers are `closed`; returns when the thread is gone. More than one call does no harm.
    func close() {
        post(.stop)
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let running { pthread_join(running, nil) }
    }

    /// Hands `command` to the thread; false if the loop is closed.
    @discardableResult
    private func post(_ command: Command) -> Bool {
        inbox.withLock { inbox in
            guard inbox.isOpen else { return false }
            inbox.commands.append(command)
            if inbox.commands.count == 1 { curl_multi_wakeup(multi) }
            return true
        }
    }

    private func startThread() {
        var new = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        let code = pthread_create(
            &new, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<TransferLoop>.fromOpaque(context).takeRetainedValue().work()
                return nil
            }, context)
        precondition(code == 0, "no thread for the transfers")
        thread.withLock { $0 = new }
    }
}

// MARK: - On the loop's thread

extension TransferLoop {
    private func work() {
        // 1. Signals are for other threads; a broken connection must not raise SIGPIPE here.
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        // 2. libcurl converts international host names from the thread's character set.
        let utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nil)
        let previous = uselocale(utf8)  // without that locale, as it is

        while obey(inbox.withLock { takeAll(&$0) }) {
            startWaiting()
            var runningCount: Int32 = 0
            curl_multi_perform(multi, &runningCount)
            collect()
            watch()
            startWaiting()
            wait()
        }

        shutDown()
        uselocale(previous)
        if let utf8 { freelocale(utf8) }
    }

    /// How long nothing is to be done, if nothing happens; what is due already waits for something else to happen.
    private var pause: Duration {
        let now = clock.now
        let wait = frontier.wakeTime.map { now.duration(to: $0) } ?? .seconds(60)
        return min(wait > .zero ? wait + .milliseconds(1) : .milliseconds(200), resolver?.wait ?? .seconds(60))
    }

    /// Waits until a socket is ready, a command came or a time has come.
    private func wait() {
        let own = resolver?.sockets ?? []
        var waited = own.map { socket in
            let events = (socket.isForReading ? CURL_WAIT_POLLIN : 0) | (socket.isForWriting ? CURL_WAIT_POLLOUT : 0)
            return curl_waitfd(fd: socket.descriptor, events: Int16(events), revents: 0)
        }
        curl_multi_poll(multi, &waited, UInt32(waited.count), Int32(pause / .milliseconds(1)), nil)
        for (socket, wait) in zip(own, waited) where wait.revents != 0 { resolver?.process(socket) }
        resolver?.process()
    }

    private func takeAll(_ inbox: inout Inbox) -> [Command] {
        defer { inbox.commands.removeAll(keepingCapacity: true) }
        return inbox.commands
    }

    /// Does what `commands` say; false if the loop is to end.
    private func obey(_ commands: [Command]) -> Bool {
        var goesOn = true
        for command in commands {
            switch command {
            case .start(let exchange):
                if exchange.isCancelled {
                    exchange.finish(.cancelled)
                } else {
                    add(exchange)
                }
            case .cancel(let exchange): cancel(exchange)
            case .wake: break  // for the look that follows
            case .stop: goesOn = false
            }
        }
        return goesOn
    }

    private func add(_ exchange: Exchange) {
        lastTicket += 1
        exchanges[lastTicket] = exchange
        tickets[ObjectIdentifier(exchange)] = lastTicket
        let origin = exchange.request.origin
        let notice = frontier.add(lastTicket, to: origin, named: isNamed(exchange.request), at: clock.now)
        // The others of its host know already: telling all of them each time would cost the square of their number.
        if case .putOff(_, let until) = notice { exchange.putOff(until: until) } else { tell(notice) }
    }

    /// Whether the name of a request's host is to be looked up here, under its name in ASCII, which is noted.
    private func isNamed(_ request: ExchangeRequest) -> Bool {
        guard resolver != nil, let name = request.name else { return false }
        if names[request.origin] != nil { return true }
        // What is no name after all is left to libcurl, and to the judge of addresses.
        guard let ascii = HostName.ascii(name.host), NetworkAddress(ascii) == nil else { return false }
        if names.count > 2 * NameCache.limit { names = names.filter { frontier.knows($0.key) } }
        names[request.origin] = ExchangeRequest.Name(host: ascii, port: name.port)
        return true
    }

    private func startWaiting() {
        lookUp()
        while events.hasRoom(), let ticket = frontier.next(at: clock.now, claim: { table?.claim($0) }) {
            guard let exchange = exchanges[ticket] else { preconditionFailure("a row that nobody waits for") }
            if exchange.isPutOff { exchange.request.observer.resumed() }
            exchange.resolution = resolution(of: exchange.request.origin)
            start(exchange)
            lookUp()
        }
    }

    private func lookUp() {
        guard let resolver else { return }
        while let origin = frontier.nextLookUp(at: clock.now) {
            guard let name = names[origin] else { preconditionFailure("a host that has no name") }
            resolver.lookUp(name.host, at: clock.now) { [unowned self] answer in
                note { $0.named(origin, NameOutcome(answer), at: clock.now) }
            }
        }
    }

    func resolution(of origin: String) -> String? {
        guard let name = names[origin], let addresses = resolver?.addresses(of: name.host), !addresses.isEmpty else {
            return nil
        }
        let list = addresses.map { $0.isIPv6 ? "[\($0)]" : "\($0)" }.joined(separator: ",")
        return "+\(name.host):\(name.port):\(list)"
    }

    func start(_ exchange: Exchange) {
        let handle = idle.popLast() ?? EasyHandle(userAgent: userAgent, sockets: sockets)
        handle.prepare(exchange)
        running[ObjectIdentifier(exchange)] = handle
        precondition(curl_multi_add_handle(multi, handle.pointer) == CURLM_OK, "libcurl takes no transfer")
    }

    /// Tells those that wait what becomes of them.
    func tell(_ notice: Frontier.Notice?) {
        switch notice {
        case .putOff(let origin, let until):
            for ticket in frontier.waiting(for: origin) { exchanges[ticket]?.putOff(until: until) }
        case .allPutOff(let until):
            for exchange in exchanges.values where running[ObjectIdentifier(exchange)] == nil {
                exchange.putOff(until: until)
            }
        case .gaveUp(let rows, let fault):
            for ticket in rows { forget(ticket)?.finish(.givenUp(fault)) }
        case nil: break
        }
    }

    private func forget(_ ticket: Frontier.Ticket) -> Exchange? {
        guard let exchange = exchanges.removeValue(forKey: ticket) else { return nil }
        tickets[ObjectIdentifier(exchange)] = nil
        return exchange
    }

    /// Takes the transfers that have ended out.
    private func collect() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE else { continue }
            var context: UnsafeMutableRawPointer?
            ccurl_get_pointer(message.pointee.easy_handle, CURLINFO_PRIVATE, &context)
            let handle = EasyHandle.at(context)
            end(handle, with: handle.outcome(of: message.pointee.data.result))
        }
    }

    private func end(_ handle: EasyHandle, with outcome: TransferOutcome) {
        guard let (exchange, times) = free(handle) else { return }
        let answer = exchange.answer(exchange.ending(of: outcome), times)
        guard let ticket = tickets[ObjectIdentifier(exchange)] else {
            return witnessed(answer.ending == .complete)
        }
        _ = forget(ticket)
        table?.release(exchange.request.origin)
        note { $0.ended(ticket, exchange.request.hostOutcome(answer), at: clock.now) }
        exchange.finish(answer.with(standing(of: exchange)))
    }

    private func standing(of exchange: Exchange) -> ExchangeAnswer.Standing {
        let now = clock.now
        return ExchangeAnswer.Standing(
            excuses: frontier.excuses(exchange.request.origin), networkTime: frontier.network.time(at: now),
            seen: frontier.network.seen)
    }

    private func cancel(_ exchange: Exchange) {
        exchange.isCancelled = true
        if let ticket = tickets[ObjectIdentifier(exchange)] {
            _ = forget(ticket)
            if let handle = running[ObjectIdentifier(exchange)] {
                _ = free(handle)
                table?.release(exchange.request.origin)
                note { $0.ended(ticket, .unknown, at: clock.now) }
            } else {
                frontier.remove(ticket)
            }
        }
        exchange.finish(.cancelled)
    }

    /// Takes `handle` out of libcurl's hands.
    private func free(_ handle: EasyHandle) -> (exchange: Exchange, times: ExchangeAnswer.Times)? {
        curl_multi_remove_handle(multi, handle.pointer)
        let (exchange, times) = handle.release()
        idle.append(handle)
        guard let exchange else { return nil }
        running[ObjectIdentifier(exchange)] = nil
        return (exchange, times)
    }

    private func shutDown() {
        let rest = inbox.withLock { inbox in
            inbox.isOpen = false
            return takeAll(&inbox)
        }
        _ = obey(rest)
        for handle in Array(running.values) {
            guard let (exchange, times) = free(handle) else { continue }
            if tickets[ObjectIdentifier(exchange)] != nil { table?.release(exchange.request.origin) }
            exchange.finish(exchange.answer(.closed, times))
        }
        for exchange in exchanges.values { exchange.finish(.closed) }
        (exchanges, tickets, idle) = ([:], [:], [])
        curl_multi_cleanup(multi)
    }
}

extension NameOutcome {
    /// What `answer` means for rows of the host.
    fileprivate init(_ answer: NameResolver.Answer) {
        switch answer {
        case .found(let entry): self = .found(until: entry.until)
        case .none: self = .none(HostFault(kind: .name, rejection: Rejection(.downloadError, "no such host")))
        case .failed:
            self = .failed(HostFault(kind: .name, rejection: Rejection(.downloadError, "name look-up failed")))
        }
    }
}
