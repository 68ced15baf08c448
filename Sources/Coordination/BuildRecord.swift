import Digests
package import Foundation
package import Samples

/// What a build is of: written once, before anything is planned.
package struct BuildRecord: Hashable, Sendable {
    /// The digest of the settings that can change a byte of a shard.
    package let manifestDigest: ContentDigest
    /// The manifest as workers read it, every default written out.
    package let manifest: String
    /// The same as `key.path` to value: what a later manifest is compared with.
    package let settings: [String: String]
    /// The version of the software that began the build.
    package let softwareVersion: String
    /// When the build was begun; kept to the second.
    package let created: Date

    package init(
        manifestDigest: ContentDigest, manifest: String, settings: [String: String], softwareVersion: String,
        created: Date
    ) {
        self.manifestDigest = manifestDigest
        self.manifest = manifest
        self.settings = settings
        self.softwareVersion = softwareVersion
        self.created = Date(timeIntervalSince1970: created.timeIntervalSince1970.rounded(.down))
    }

    /// Names all that rows are made of: settings, inputs, checkpoints and software.
    ///
    /// What is left of a unit that was begun is used only by a build of the same name.
    package var identity: ContentDigest {
        let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)\n" }
        return digest(of: lines.joined() + softwareVersion)
    }
}

/// A unit that is finished, with what it became.
package struct PublishedUnit: Hashable, Sendable {
    package let unit: WorkUnit
    /// The generation of the lease under which it was published.
    package let generation: Int
    package let result: UnitResult
    /// Whether the shard waits for `recordFinal`.
    package let isDraft: Bool

    package init(unit: WorkUnit, generation: Int, result: UnitResult, isDraft: Bool) {
        self.unit = unit
        self.generation = generation
        self.result = result
        self.isDraft = isDraft
    }
}
