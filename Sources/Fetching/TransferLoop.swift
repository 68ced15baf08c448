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
        case hear([(host: String, news: HostNews)])
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
    let transfers: Transfers
    let events: Events
    var frontier: Frontier
    /// Those that wait or run, by their tickets.
    private var exchanges: [Frontier.Ticket: Exchange] = [:]
    private var lastTicket = 0
    /// Nil where libcurl finds addresses itself.
    let names: HostNames?
    private let table: HostTable?
    private let shared: SharedHosts?
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
        _ limits: Frontier.Limits, userAgent: String, proxy: String = "", resolver: NameResolver? = nil,
        table: HostTable? = nil, shared: SharedHosts? = nil, events: Events = Events()
    ) {
        precondition(Self.isReady, "libcurl cannot be set up")
        guard let multi = curl_multi_init() else { preconditionFailure("no memory for a transfer loop") }
        self.multi = multi
        transfers = Transfers(multi, userAgent: userAgent, proxy: proxy)
        self.events = events
        names = resolver.map(HostNames.init)
        (self.table, self.shared) = (table, shared)
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

    /// Takes in what other workers of the build have learnt of hosts.
    func hear(_ news: [(host: String, news: HostNews)]) { post(.hear(news)) }

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
            transfers.perform { end($0, $1) }
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
        return min(wait > .zero ? wait + .milliseconds(1) : .milliseconds(200), names?.resolver.wait ?? .seconds(60))
    }

    /// Waits until a socket is ready, a command came or a time has come.
    private func wait() {
        let resolver = names?.resolver
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
            case .hear(let news):
                for (host, news) in news { note { $0.hear(news, of: host, at: clock.now) } }
            case .wake: break  // for the look that follows
            case .stop: goesOn = false
            }
        }
        return goesOn
    }

    private func add(_ exchange: Exchange) {
        lastTicket += 1
        exchanges[lastTicket] = exchange
        exchange.ticket = lastTicket
        let isNamed = names?.note(exchange.request, needed: frontier.knows) ?? false
        let notice = frontier.add(lastTicket, to: exchange.request.origin, named: isNamed, at: clock.now)
        // The others of its host know already: telling all of them each time would cost the square of their number.
        if case .putOff(_, let until) = notice { exchange.putOff(until: until) } else { tell(notice) }
    }

    private func startWaiting() {
        lookUp()
        while events.hasRoom(), let ticket = frontier.next(at: clock.now, claim: claim) {
            guard let exchange = exchanges[ticket] else { preconditionFailure("a row that nobody waits for") }
            if exchange.isPutOff { exchange.request.observer.resumed() }
            start(exchange)
            lookUp()
        }
    }

    private func claim(_ origin: String) -> Duration? {
        if let shared { return shared.claim(origin, at: clock.now) }
        return table?.claim(origin)
    }

    private func release(_ origin: String) {
        table?.release(origin)
        shared?.release(origin)
    }

    private func lookUp() {
        guard let names else { return }
        while let origin = frontier.nextLookup(at: clock.now) {
            names.lookUp(origin, at: clock.now) { [unowned self] outcome in
                note { $0.named(origin, outcome, at: clock.now) }
                if case .failed = outcome { tellOthers(of: origin) }
            }
        }
    }

    func start(_ exchange: Exchange) {
        exchange.resolution = names?.resolution(of: exchange.request.origin)
        transfers.start(exchange)
    }

    /// Tells those that wait what becomes of them.
    func tell(_ notice: Frontier.Notice?) {
        switch notice {
        case .putOff(let origin, let until):
            for ticket in frontier.waiting(for: origin) { exchanges[ticket]?.putOff(until: until) }
        case .allPutOff(let until):
            for exchange in exchanges.values where !transfers.isRunning(exchange) { exchange.putOff(until: until) }
        case .gaveUp(let rows, let fault):
            for ticket in rows { forget(ticket)?.finish(.givenUp(fault)) }
        case nil: break
        }
    }

    private func forget(_ ticket: Frontier.Ticket) -> Exchange? {
        let exchange = exchanges.removeValue(forKey: ticket)
        exchange?.ticket = nil
        return exchange
    }

    /// The transfer of `exchange` ended with `answer`.
    private func end(_ exchange: Exchange, _ answer: ExchangeAnswer) {
        guard let ticket = exchange.ticket else { return witnessed(answer.ending == .complete) }
        _ = forget(ticket)
        let origin = exchange.request.origin
        release(origin)
        note { $0.ended(ticket, exchange.request.hostOutcome(answer), at: clock.now) }
        tellOthers(of: origin)
        exchange.finish(answer.with(standing(of: exchange)))
    }

    /// Lets the other workers of the build know if `origin` is in trouble.
    private func tellOthers(of origin: String) {
        guard let shared, let trouble = frontier.trouble(of: origin) else { return }
        shared.learn(origin, held: trouble.held, rest: trouble.rest, at: clock.now)
    }

    private func standing(of exchange: Exchange) -> ExchangeAnswer.Standing {
        let now = clock.now
        return ExchangeAnswer.Standing(
            excuses: frontier.excuses(exchange.request.origin), networkTime: frontier.network.time(at: now),
            seen: frontier.network.seen)
    }

    private func cancel(_ exchange: Exchange) {
        exchange.isCancelled = true
        if let ticket = exchange.ticket {
            _ = forget(ticket)
            if transfers.isRunning(exchange) {
                transfers.stop(exchange)
                release(exchange.request.origin)
                note { $0.ended(ticket, .unknown, at: clock.now) }
            } else {
                frontier.remove(ticket)
            }
        }
        exchange.finish(.cancelled)
    }

    private func shutDown() {
        let rest = inbox.withLock { inbox in
            inbox.isOpen = false
            return takeAll(&inbox)
        }
        _ = obey(rest)
        transfers.stopAll(.closed) { exchange, answer in
            if exchange.ticket != nil { release(exchange.request.origin) }
            exchange.finish(answer)
        }
        for exchange in exchanges.values { exchange.finish(.closed) }
        exchanges = [:]
        curl_multi_cleanup(multi)
    }
}
