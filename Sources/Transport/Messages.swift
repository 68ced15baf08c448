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
    var limit: Int?
}

/// Units, or what to do without one.
struct AcquireAnswer: Codable {
    enum Kind: String, Codable { case granted, wait, done, replaced }
    /// A lease and what it is for.
    struct Grant: Codable {
        let lease: Lease
        let unit: WorkUnit
    }

    let answer: Kind
    var grants: [Grant]?
    /// How long the leases are good for, or how long to wait.
    var seconds: Double?

    init(_ answer: LeaseAnswer) {
        switch answer {
        case .granted(let grants):
            self.answer = .granted
            self.grants = grants.map { Grant(lease: $0.lease, unit: $0.unit) }
            seconds = grants.first.map { $0.duration / .seconds(1) }
        case .wait(let duration):
            self.answer = .wait
            seconds = duration / .seconds(1)
        case .done: self.answer = .done
        case .replaced: self.answer = .replaced
        }
    }

    /// The answer as a value; nil when parts of it are missing.
    var value: LeaseAnswer? {
        switch answer {
        case .granted:
            guard let grants, !grants.isEmpty, let seconds else { return nil }
            return .granted(grants.map { LeaseGrant(lease: $0.lease, unit: $0.unit, duration: .seconds(seconds)) })
        case .wait: return seconds.map { .wait(.seconds($0)) }
        case .done: return .done
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

/// What became of a message under a lease.
struct StandingAnswer: Codable {
    let standing: LeaseStanding
}

/// The leases that a worker named and that are not its any more.
struct HeartbeatAnswer: Codable {
    let lost: [Lease]
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
