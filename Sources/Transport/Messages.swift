import Coordination
import Foundation
package import Samples

/// The messages as they travel: JSON objects with keys in snake case, under `/api/v1`.
///
/// | request | body | answer |
/// |---|---|---|
/// | `POST leases` | `AcquireMessage` | `AcquireAnswer` |
/// | `POST renew` | `LeaseMessage` | `StandingAnswer` |
/// | `POST publish` | `PublishMessage` | `StandingAnswer` |
/// | `POST fail` | `FailMessage` | `StandingAnswer` |
/// | `POST release` | `LeaseMessage` | `StandingAnswer` |
/// | `POST heartbeat` | `WorkerReport` | `HeartbeatAnswer` |
/// | `POST crash` | `CrashMessage` | `StandingAnswer` |
/// | `POST workers/ended` | `EndedMessage` | `EndedAnswer` |
/// | `GET status` | | `BuildStatus` |
/// | `GET manifest` | | `ManifestAnswer` |
///
/// What is refused is answered with a status of 400 or more and an `ErrorAnswer`.
let apiPath = "/api/v1"

/// A worker asks for work.
struct AcquireMessage: Codable {
    let worker: String
    /// Which process of that name: drawn by each one when it starts.
    let incarnation: String
    /// New for each request, the same when it is repeated.
    let request: String
    /// The most units that are wanted; one where it is absent.
    var count: Int?
    /// The node that it runs on.
    var node: String?
}

/// Units, or what to do without one.
struct AcquireAnswer: Codable {
    enum Kind: String, Codable { case granted, wait, done, replaced }
    /// A lease and what it is for.
    struct Grant: Codable {
        let lease: Lease
        let unit: WorkUnit
        /// The rows on which workers crashed, to be left out; absent where there are none.
        var crashedRows: [CrashedRow]?
    }

    let answer: Kind
    var grants: [Grant]?
    /// How long the leases are good for, or how long to wait.
    var seconds: Double?
    /// Where nothing is left to do: how many units failed for good.
    var failedUnits: Int?

    init(_ answer: LeaseAnswer) {
        switch answer {
        case .granted(let grants):
            self.answer = .granted
            self.grants = grants.map {
                Grant(lease: $0.lease, unit: $0.unit, crashedRows: $0.crashedRows.isEmpty ? nil : $0.crashedRows)
            }
            seconds = grants.first.map { $0.duration / .seconds(1) }
        case .wait(let duration):
            self.answer = .wait
            seconds = duration / .seconds(1)
        case .done(let failedUnits):
            self.answer = .done
            self.failedUnits = failedUnits
        case .replaced: self.answer = .replaced
        }
    }

    /// The answer as a value; nil when parts of it are missing.
    var value: LeaseAnswer? {
        switch answer {
        case .granted:
            guard let grants, !grants.isEmpty, let seconds else { return nil }
            return .granted(
                grants.map {
                    LeaseGrant(
                        lease: $0.lease, unit: $0.unit, duration: .seconds(seconds), crashedRows: $0.crashedRows ?? [])
                })
        case .wait: return seconds.map { .wait(.seconds($0)) }
        case .done: return failedUnits.map { .done(failedUnits: $0) }
        case .replaced: return .replaced
        }
    }
}

/// A lease, to be renewed or released.
struct LeaseMessage: Codable {
    let lease: Lease
}

/// What a unit became.
struct PublishMessage: Codable {
    let lease: Lease
    let result: UnitResult
}

/// Why a unit failed.
struct FailMessage: Codable {
    let lease: Lease
    let message: String
}

/// On which row the process of a worker crashed.
struct CrashMessage: Codable {
    let lease: Lease
    /// The number of the row in its source.
    let row: Int
    let signal: Int
}

/// A worker, or all on a node, that have ended.
struct EndedMessage: Codable {
    var worker: String?
    /// Which process of that name; any where it is absent.
    var incarnation: String?
    /// Instead of a worker: all that were last heard of there.
    var node: String?
    /// What became of it, which counts as a failure of each of its units; absent where that is no fault of theirs.
    var message: String?
}

/// What the coordinator knew of workers that have ended.
struct EndedAnswer: Codable {
    /// Those of which it had heard.
    let workers: [String]
    /// Whether units are left that are neither published nor failed for good.
    let hasWork: Bool
}

/// What became of a message under a lease.
struct StandingAnswer: Codable {
    let standing: LeaseStanding
}

/// The leases that a worker named and that are not its any more.
struct HeartbeatAnswer: Codable {
    let lost: [Lease]
    /// What the worker may use of the hosts that it named.
    var hosts: [HostShare]?
}

/// What is built.
package struct ManifestAnswer: Hashable, Sendable, Codable {
    /// The manifest, every default written out.
    package let manifest: String
    package let manifestDigest: ContentDigest
    /// Names all that the rows of the build are made of.
    package let identity: ContentDigest
    /// The version of the software that began the build.
    package let softwareVersion: String
}

/// Why a message was refused.
struct ErrorAnswer: Codable {
    let code: String
    let message: String
}
