/// How a worker process ended.
package struct WorkerEnd: Hashable, Sendable {
    package let worker: String
    package let end: ProcessEnd
    /// What became of it, for people; nil when it ended as it should.
    package let message: String?
    /// The rows on which it crashed: one, unless several threads did so at once.
    package let crashes: [CrashReport]
}

/// What the coordinator knows of a worker that has ended.
package struct WorkerStanding: Hashable, Sendable {
    /// Whether it ever asked for work.
    package let askedForWork: Bool
    /// Whether there is work for which it is to be started again.
    package let isNeeded: Bool

    package init(askedForWork: Bool, isNeeded: Bool) { (self.askedForWork, self.isNeeded) = (askedForWork, isNeeded) }
}

/// What the supervisor tells and asks of the rest of the program.
package struct SupervisionEvents: Sendable {
    /// Takes one line that a worker wrote; called from the threads of the workers.
    package var line: @Sendable (_ worker: String, _ line: String) -> Void
    /// Takes note of the end of a worker, so that its units go to others at once, and of the row on which it crashed.
    package var ended: @Sendable (WorkerEnd) async throws -> WorkerStanding
    /// Whether a worker is alive but makes no progress.
    package var hangs: @Sendable (_ worker: String) async throws -> Bool

    package init(
        line: @escaping @Sendable (_ worker: String, _ line: String) -> Void,
        ended: @escaping @Sendable (WorkerEnd) async throws -> WorkerStanding,
        hangs: @escaping @Sendable (_ worker: String) async throws -> Bool
    ) {
        self.line = line
        self.ended = ended
        self.hangs = hangs
    }
}

/// Why the workers of this machine cannot be kept running.
package struct SupervisionError: Error, Hashable, CustomStringConvertible {
    /// The closed list of faults; also the metric label.
    package enum Code: String, Sendable, CaseIterable {
        /// A worker ended again and again before it asked for work.
        case diesAtStart = "dies_at_start"
        /// A worker said that it was given something unusable; starting it again would not help. The text is what it said.
        case refuses
        /// A worker waited too long for the network; the text is the reason alone.
        case outage
    }

    /// The class of the fault.
    package let code: Code
    /// The worker's name.
    package let worker: String
    /// How it ended, and the last lines that it wrote.
    package let text: String

    /// `code: worker: text`.
    package var description: String { "\(code.rawValue): \(worker): \(text)" }
}
