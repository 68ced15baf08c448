import Samples

/// What a build came to, in words.
package struct BuildSummary: Sendable {
    private let sources: [DatasetFacts.Source]
    private let shards: Int
    private let output: String

    /// Of `sources`, whose rows are in `shards` published shards in the folder `output`.
    package init(_ sources: [DatasetFacts.Source], shards: Int, output: String) {
        (self.sources, self.shards, self.output) = (sources, shards, output)
    }

    private var rows: Int { sources.reduce(0) { $0 + $1.rows } }
    private var samples: Int { sources.reduce(0) { $0 + $1.samples } }
    private var rejections: [Rejection.Reason: Int] {
        sources.reduce(into: [:]) { $0.merge($1.rejections, uniquingKeysWith: +) }
    }

    /// Such as `58 of 60 rows kept in 6 shards; 2 failed: 1 http_error, 1 timeout: out/cc3m`.
    package var line: String {
        var text =
            "\(Figures.grouped(samples)) of \(Figures.counted(rows, "row")) kept in \(Figures.counted(shards, "shard"))"
        text += Self.left(rejections)
        return "\(text): \(output)"
    }

    /// What a person may want to do about rows that were left out; empty where there are none.
    package var advice: [String] {
        let rejections = rejections
        guard !rejections.isEmpty else { return [] }
        var lines: [String] = []
        let most = rejections.filter { !$0.key.isWanted && $0.value * 2 >= rows }.max { $0.value < $1.value }?.key
        if let most, let hint = Self.hints[most] { lines.append(hint) }
        lines.append("pipeline report \(output) shows which rows were left out, and why")
        return lines
    }

    /// The sources of which nothing was kept, and why, such as `sbu: nothing was kept of 20 rows; 20 failed: 20 timeout`.
    package var faults: [String] {
        sources.filter { $0.samples == 0 }.map { source in
            "\(source.name): nothing was kept of \(Figures.counted(source.rows, "row"))\(Self.left(source.rejections))"
        }
    }

    /// Those that failed, and those that the manifest wants left out.
    private static func left(_ rejections: [Rejection.Reason: Int]) -> String {
        [(word: "failed", isWanted: false), ("skipped", true)].map { word, isWanted in
            let part = rejections.filter { $0.key.isWanted == isWanted && $0.value > 0 }
            guard part.total > 0 else { return "" }
            let reasons = part.ordered.map { "\(Figures.grouped($0.1)) \($0.0.rawValue)" }
            return "; \(Figures.grouped(part.total)) \(word): \(reasons.joined(separator: ", "))"
        }.joined()
    }

    /// Rows that are published stay as they are.
    private static let anew = ", and build into another folder"
    /// What to do where most rows failed for one reason; an output that is there keeps its rows, and most of its keys.
    private static let hints: [Rejection.Reason: String] = [
        .blockedAddress:
            "to fetch from private addresses, such as this machine's, set fetch.allow_private_addresses: true\(anew)",
        .timeout: "to give slow hosts more time, set a larger fetch.timeout\(anew)",
        .downloadError: "check the network of this machine, and the host names in the list",
        .httpError: "check the addresses in the list: pipeline fetch URL says what a server answers",
        .badRow: "check the source's format and columns in the manifest\(anew)",
        .tooLarge: "to take larger files, set fetch.max_bytes\(anew)",
        .tooSmall: "to take smaller images, set image.min_side\(anew)",
        .optedOut:
            "to take images whose servers ask not to be used for training, set fetch.honour_opt_out: false\(anew)",
        .notAnImage: "check that the list's addresses are those of images, not of pages",
    ]
}
