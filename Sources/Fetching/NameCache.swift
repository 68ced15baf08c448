/// What is known of names: their addresses, or that there are none, for as long as that holds.
struct NameCache {
    typealias Instant = ContinuousClock.Instant

    /// The most names that are remembered.
    static let limit = 50_000
    /// The bounds of the time for which an answer is kept, whatever it says of itself.
    private static let shortest = Duration.seconds(5)
    private static let longest = Duration.seconds(3600)
    /// For how long it is remembered that a name has no address.
    private static let absence = Duration.seconds(300)

    /// The addresses of a name, none if it has none, until a time.
    struct Entry: Hashable {
        let addresses: [NetworkAddress]
        let until: Instant
    }

    private var entries: [String: Entry] = [:]
    private var names = FIFO<String>()

    var count: Int { entries.count }

    /// What is known of `name` at `now`.
    func entry(of name: String, at now: Instant) -> Entry? {
        entries[name].flatMap { now < $0.until ? $0 : nil }
    }

    /// The last addresses of `name` that were heard of.
    func addresses(of name: String) -> [NetworkAddress] { entries[name]?.addresses ?? [] }

    /// Remembers `addresses`, which hold for `lifetime`.
    mutating func store(_ addresses: [NetworkAddress], of name: String, lifetime: Duration, at now: Instant) -> Entry {
        if entries[name] == nil {
            names.append(name)
            if names.count > Self.limit, let oldest = names.popFirst() { entries[oldest] = nil }
        }
        let kept = addresses.isEmpty ? Self.absence : min(max(lifetime, Self.shortest), Self.longest)
        let entry = Entry(addresses: addresses, until: now + kept)
        entries[name] = entry
        return entry
    }
}
