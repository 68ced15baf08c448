/// What is to be looked at when a time has come: a binary heap.
struct Timers<Element> {
    private var heap: [(time: ContinuousClock.Instant, element: Element)] = []

    /// The earliest time.
    var next: ContinuousClock.Instant? { heap.first?.time }

    mutating func add(_ element: Element, at time: ContinuousClock.Instant) {
        heap.append((time, element))
        var child = heap.count - 1
        while child > 0, heap[child].time < heap[(child - 1) / 2].time {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// The earliest whose time has come by `now`.
    mutating func popDue(at now: ContinuousClock.Instant) -> Element? {
        guard let first = heap.first, first.time <= now else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].time < heap[least].time {
                least = child
            }
            guard least != parent else { return first.element }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}
