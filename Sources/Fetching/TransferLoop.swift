import CCurl
import Glibc
import Synchronization

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

    private let inbox = Mutex(Inbox())
    private let thread = Mutex<pthread_t?>(nil)
    private let multi: UnsafeMutableRawPointer
    private let userAgent: String
    private let hasRoom: @Sendable () -> Bool
    private var queue: TransferQueue<Exchange>
    private var running: [ObjectIdentifier: EasyHandle] = [:]
    private var idle: [EasyHandle] = []
    private let sockets = OpenSockets()

    /// Starts the thread; `connections` exchanges run at once, `perHost` of them with one origin.
    ///
    /// None starts while `hasRoom`, which is called on the loop's thread, says no; `wake` has it asked again.
    init(
        connections: Int, perHost: Int, userAgent: String, hasRoom: @escaping @Sendable () -> Bool = { true }
    ) {
        precondition(Self.isReady, "libcurl cannot be set up")
        guard let multi = curl_multi_init() else { preconditionFailure("no memory for a transfer loop") }
        self.multi = multi
        self.userAgent = userAgent
        self.hasRoom = hasRoom
        queue = TransferQueue(slots: connections, slotsPerHost: perHost)
        ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, connections)
        startThread()
    }

    /// libcurl's global state, made once in a process.
    private static let isReady = ccurl_global_init() == CURLE_OK

    /// Runs `request` when its turn comes; a cancelled task gets its answer at once.
    func run(_ request: ExchangeRequest) async -> ExchangeAnswer {
        let exchange = Exchange(request)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                exchange.continuation = continuation
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
            startWaiting()
            curl_multi_poll(multi, nil, 0, 60_000, nil)
        }

        shutDown()
        uselocale(previous)
        if let utf8 { freelocale(utf8) }
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
                    queue.add(exchange, host: exchange.request.origin)
                }
            case .cancel(let exchange): cancel(exchange)
            case .wake: break  // for the look that follows
            case .stop: goesOn = false
            }
        }
        return goesOn
    }

    private func startWaiting() {
        while hasRoom(), let exchange = queue.next() {
            guard !exchange.isCancelled else {
                queue.finished(host: exchange.request.origin)
                continue
            }
            let handle = idle.popLast() ?? EasyHandle(userAgent: userAgent, sockets: sockets)
            handle.prepare(exchange)
            running[ObjectIdentifier(exchange)] = handle
            curl_multi_add_handle(multi, handle.pointer)
        }
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
        guard let (exchange, elapsed) = free(handle) else { return }
        exchange.finish(exchange.ending(of: outcome), elapsed: elapsed)
    }

    private func cancel(_ exchange: Exchange) {
        exchange.isCancelled = true
        if let handle = running[ObjectIdentifier(exchange)] { _ = free(handle) }
        exchange.finish(.cancelled)
    }

    /// Takes `handle` out of libcurl's hands, and gives its slot back.
    private func free(_ handle: EasyHandle) -> (exchange: Exchange, elapsed: Duration)? {
        curl_multi_remove_handle(multi, handle.pointer)
        let (exchange, elapsed) = handle.release()
        idle.append(handle)
        guard let exchange else { return nil }
        running[ObjectIdentifier(exchange)] = nil
        queue.finished(host: exchange.request.origin)
        return (exchange, elapsed)
    }

    private func shutDown() {
        let rest = inbox.withLock { inbox in
            inbox.isOpen = false
            return takeAll(&inbox)
        }
        _ = obey(rest)
        for handle in Array(running.values) {
            guard let (exchange, elapsed) = free(handle) else { continue }
            exchange.finish(.closed, elapsed: elapsed)
        }
        for exchange in queue.removeAll() { exchange.finish(.closed) }
        idle = []
        curl_multi_cleanup(multi)
    }
}
