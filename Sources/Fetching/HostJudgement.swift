/// What the answers and faults of a host mean for its rows.
extension HostRecord {
    enum Verdict {
        case goOn
        /// No request before this time.
        case putOff(until: Instant)
        /// The host is given up: its rows fail with this.
        case givenUp(HostFault)
    }

    /// What a verdict depends on besides the host and its fault.
    struct Circumstances {
        let limits: Frontier.Limits
        let network: NetworkWatch
        let now: Instant
    }

    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(15)
    /// How long a host that was given up is left alone; it doubles each time, up to an hour.
    private static let firstRest = Duration.seconds(60)
    private static let longestRest = Duration.seconds(3600)
    /// The longest time a host is left alone at its own request.
    private static let longestAskedRest = Duration.seconds(86_400)

    /// Its exchange `number` was answered.
    mutating func answered(_ number: Int, connect: Duration?, firstByte: Duration) {
        manners.answered(
            number, latest: latest, inFlight: runningCount + 1, connect: connect, firstByte: firstByte)
        isWell()
    }

    /// Its exchange `number` failed.
    mutating func failed(_ number: Int, _ fault: HostFault, _ circumstances: Circumstances) -> Verdict {
        if fault.asksForLess { manners.failed(number, latest: latest) }
        if let wait = fault.retryAfter {
            guard !fault.asksTooMuch else { return goToRest(for: wait, fault, at: circumstances.now) }
            let until = circumstances.now + wait
            askedUntil = askedUntil.map { max($0, until) } ?? until
        }
        // The host is there; the reason for a broken answer may be the file that was asked for.
        guard fault.kind != .partial else {
            isWell()
            return .goOn
        }
        guard number > counted else { return .goOn }
        counted = latest
        return worsen(fault, circumstances)
    }

    private mutating func isWell() {
        if isAside { notBefore = nil }
        (trouble, restLength) = (nil, nil)
        // What it asked for stays valid, whatever it answers to exchanges that had begun before.
        if let rest, !rest.fault.asksTooMuch { self.rest = nil }
    }

    /// Counts a new burst of faults: after some the host is put aside, and given up once the patience is used up.
    mutating func worsen(_ fault: HostFault, _ circumstances: Circumstances) -> Verdict {
        let (limits, network, now) = (circumstances.limits, circumstances.network, circumstances.now)
        var trouble = trouble ?? Trouble(fault: fault, began: now, since: network.time(at: now))
        trouble.fault = fault
        trouble.burstCount += 1
        trouble.isAside = trouble.burstCount >= max(fault.burstLimit, limits.retries + 1)
        if trouble.isAside { trouble.probeCount += 1 }
        self.trouble = trouble
        let needsPause = trouble.isAside || [.name, .overload].contains(fault.kind)
        let until = now + (needsPause ? pause(trouble, patience: limits.patience) : .zero)
        notBefore = notBefore.map { max($0, until) } ?? until
        let waited = network.time(at: now) - trouble.since
        if trouble.isAside, waited >= limits.patience, network.isCertain(since: trouble.began) {
            return giveUp(fault, at: now)
        }
        return nextStart.flatMap { $0 > now ? .putOff(until: $0) : nil } ?? .goOn
    }

    private mutating func giveUp(_ fault: HostFault, at now: Instant) -> Verdict {
        let length = restLength.map { min($0 * 2, Self.longestRest) } ?? Self.firstRest
        (restLength, notBefore) = (length, nil)
        rest = Rest(fault: fault, until: now + length)
        return .givenUp(fault)
    }

    /// Leaves a host alone that asks for a wait beyond the patience; afterwards its record is clean.
    private mutating func goToRest(for wait: Duration, _ fault: HostFault, at now: Instant) -> Verdict {
        counted = latest
        rest = Rest(fault: fault, until: now + min(wait, Self.longestAskedRest))
        (trouble, notBefore) = (nil, nil)
        return .givenUp(fault)
    }

    /// The pause before the next probe: it grows, with some jitter, so that hosts are not all probed at once.
    private func pause(_ trouble: Trouble, patience: Duration) -> Duration {
        let longest = min(Self.longestPause, max(patience / 8, .milliseconds(20)))
        let pause = min(Self.firstPause * (1 << min(trouble.probeCount, 10)) / 2, longest)
        return pause * (0.75 + 0.5 * Jitter.number(of: origin, UInt64(trouble.burstCount)))
    }
}
