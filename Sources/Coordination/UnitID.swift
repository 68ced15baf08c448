package import Samples

/// The name of a build, drawn once when its output is begun; the same in every store, message and folder.
package struct BuildID: Hashable, Sendable, CustomStringConvertible {
    /// 16 lower-case hexadecimal digits.
    package let text: String

    /// The build of that name; nil unless `text` is 16 lower-case hexadecimal digits.
    package init?(_ text: String) {
        guard text.utf8.count == 16, text.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else { return nil }
        self.text = text
    }

    /// A new name, drawn at random.
    package static func random() -> BuildID {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return BuildID(unchecked: String(repeating: "0", count: 16 - digits.count) + digits)
    }

    private init(unchecked text: String) { self.text = text }

    package var description: String { text }
}

extension BuildID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = BuildID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not the name of a build")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// Which work unit, among all builds of a store.
package struct UnitID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let build: BuildID
    /// The name that the manifest gives the source.
    package let source: String
    /// The number of the unit in its source, from 0.
    package let index: Int

    package init(build: BuildID, source: String, index: Int) {
        self.build = build
        self.source = source
        self.index = index
    }

    /// The id of `unit` in `build`.
    package init(_ unit: WorkUnit, in build: BuildID) {
        self.init(build: build, source: unit.source, index: unit.index)
    }

    /// The name of what it becomes, without extension, such as `cc3m-000007`.
    package var shardName: String { ShardName(source: source, number: index).description }

    /// `source/index`, for logs and errors about one build.
    package var description: String { "\(source)/\(index)" }
}
