/// Whose turn it is: first come, first served, within a number of slots and a number for each host.
///
/// One whose host is at its limit waits apart, so that it keeps no other from a slot.
struct TransferQueue<Element> {
    private struct Entry {
        let element: Element
        let host: String
    }

    private let slots: Int
    private let slotsPerHost: Int
    private var waiting = FIFO<Entry>()
    private var parked: [String: FIFO<Entry>] = [:]
    private var unparked = FIFO<Entry>()
    private var running: [String: Int] = [:]
    private(set) var runningCount = 0

    /// A queue for `slots` transfers at once, `slotsPerHost` of them with one host; both at least 1.
    init(slots: Int, slotsPerHost: Int) {
        precondition(slots > 0 && slotsPerHost > 0, "a queue without slots would wait for ever")
        self.slots = slots
        self.slotsPerHost = slotsPerHost
    }

    mutating func add(_ element: Element, host: String) {
        waiting.append(Entry(element: element, host: host))
    }

    /// The next that may start, which takes its slot; nil if none may.
    mutating func next() -> Element? {
        while runningCount < slots, let entry = unparked.popFirst() ?? waiting.popFirst() {
            guard running[entry.host, default: 0] < slotsPerHost else {
                parked[entry.host, default: FIFO()].append(entry)
                continue
            }
            running[entry.host, default: 0] += 1
            runningCount += 1
            return entry.element
        }
        return nil
    }

    /// Gives back a slot that was taken with `host`.
    mutating func finished(host: String) {
        runningCount -= 1
        let left = running[host, default: 1] - 1
        running[host] = left == 0 ? nil : left
        guard let entry = parked[host]?.popFirst() else { return }
        if parked[host]?.isEmpty == true { parked[host] = nil }
        unparked.append(entry)
    }

    /// Takes out all that have not started.
    mutating func removeAll() -> [Element] {
        var all: [Element] = []
        while let entry = unparked.popFirst() ?? waiting.popFirst() { all.append(entry.element) }
        for host in parked.keys.sorted() {
            while let entry = parked[host]?.popFirst() { all.append(entry.element) }
        }
        parked = [:]
        return all
    }
}

/// A queue on an array; taking the first is constant time on average.
struct FIFO<Element> {
    private var elements: [Element?] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        let first = elements[head]
        elements[head] = nil
        head += 1
        if head >= 64, head * 2 >= elements.count {
            elements.removeFirst(head)
            head = 0
        }
        return first
    }
}
