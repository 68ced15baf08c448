import CNames
import Glibc
import Samples

/// Looks names up, many at once, on the thread of one loop.
///
/// The system's list of servers is read again when it has changed. Used on the loop's thread only.
final class NameResolver {
    typealias Instant = ContinuousClock.Instant

    /// What became of a lookup.
    enum Answer {
        /// The addresses, and until when they hold.
        case found(NameCache.Entry)
        /// There is no such name, or it has no address.
        case none
        /// No server could say.
        case failed
    }

    private static let systemFile = "/etc/resolv.conf"
    private static let rereadInterval = Duration.seconds(5)

    private let servers: [String]
    private var cache = NameCache()
    private var names: OpaquePointer?
    private var openCount = 0
    private var checked: Instant?
    private var fileTime = timespec()

    /// A resolver that asks `servers`, addresses with or without a port; those of the system where there are none.
    init(servers: [String]) { self.servers = servers }

    deinit { names.map(cnames_destroy) }

    /// Whether `servers` are addresses that can be asked.
    static func canAsk(_ servers: [String]) -> Bool {
        guard !servers.isEmpty else { return true }
        let names = servers.contains { $0.contains(",") } ? nil : cnames_create(servers.joined(separator: ","))
        names.map(cnames_destroy)
        return names != nil
    }

    /// The last addresses of `name`.
    func addresses(of name: String) -> [NetworkAddress] { cache.addresses(of: name) }

    /// Finds the addresses of `name`, unless they are known and no fresh ones wanted.
    func lookUp(_ name: String, isFresh: Bool = false, at now: Instant, _ answer: @escaping (Answer) -> Void) {
        if !isFresh, let entry = cache.entry(of: name, at: now) {
            return answer(entry.addresses.isEmpty ? .none : .found(entry))
        }
        prepare(at: now)
        guard let names else { return answer(.failed) }
        openCount += 1
        let context = Unmanaged.passRetained(Question(self, name, answer)).toOpaque()
        cnames_look_up(
            names, name,
            { context, status, addresses, count, seconds in
                guard let context else { return }
                let question = Unmanaged<Question>.fromOpaque(context).takeRetainedValue()
                let found = UnsafeBufferPointer(start: addresses, count: Int(count)).map(NetworkAddress.init)
                question.resolver?.end(question, status, found, .seconds(seconds))
            }, context)
    }

    private final class Question {
        weak var resolver: NameResolver?
        let name: String
        let answer: (Answer) -> Void

        init(_ resolver: NameResolver, _ name: String, _ answer: @escaping (Answer) -> Void) {
            (self.resolver, self.name, self.answer) = (resolver, name, answer)
        }
    }

    private func end(_ question: Question, _ status: Int32, _ addresses: [NetworkAddress], _ lifetime: Duration) {
        openCount -= 1
        guard status != Int32(CNAMES_FAILED) else { return question.answer(.failed) }
        let entry = cache.store(addresses, of: question.name, lifetime: lifetime, at: ContinuousClock().now)
        question.answer(addresses.isEmpty ? .none : .found(entry))
    }

    /// Opens the servers; again when the system's list has changed and nothing is being asked.
    private func prepare(at now: Instant) {
        guard names == nil || (servers.isEmpty && openCount == 0) else { return }
        if names != nil, let checked, now < checked + Self.rereadInterval { return }
        checked = now
        var status = stat()
        let time = stat(Self.systemFile, &status) == 0 ? status.st_mtim : timespec()
        guard names == nil || (time.tv_sec, time.tv_nsec) != (fileTime.tv_sec, fileTime.tv_nsec) else { return }
        fileTime = time
        names.map(cnames_destroy)
        names = servers.isEmpty ? cnames_create(nil) : cnames_create(servers.joined(separator: ","))
    }

    // MARK: - Waiting

    /// A socket to wait for.
    struct Socket {
        let descriptor: Int32
        let isForReading: Bool
        let isForWriting: Bool
    }

    var sockets: [Socket] {
        guard let names, openCount > 0 else { return [] }
        var descriptors = [Int32](repeating: -1, count: 32)
        var events = [Int32](repeating: 0, count: 32)
        let count = cnames_sockets(names, &descriptors, &events, 32)
        return (0..<Int(count)).map {
            Socket(descriptor: descriptors[$0], isForReading: events[$0] & 1 != 0, isForWriting: events[$0] & 2 != 0)
        }
    }

    /// How long nothing is to be done, if nothing happens.
    var wait: Duration? {
        guard let names, openCount > 0 else { return nil }
        let milliseconds = cnames_wait(names)
        return milliseconds < 0 ? nil : .milliseconds(Int(milliseconds))
    }

    /// Does what can be done with `socket`, and what is due.
    func process(_ socket: Socket? = nil) {
        guard let names, openCount > 0 else { return }
        let events: Int32 = (socket?.isForReading == true ? 1 : 0) | (socket?.isForWriting == true ? 2 : 0)
        cnames_process(names, socket?.descriptor ?? -1, events)
    }
}

extension NetworkAddress {
    fileprivate init(_ address: cnames_address_t) {
        let bytes = withUnsafeBytes(of: address.bytes) { Array($0) }
        let number = bytes.prefix(address.is_ipv6 != 0 ? 16 : 4).reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        self =
            address.is_ipv6 != 0
            ? NetworkAddress(ipv6: number) : NetworkAddress(ipv4: UInt32(truncatingIfNeeded: number))
    }
}
