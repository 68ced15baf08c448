/// The vocabulary and merges of a byte-pair tokenizer, as its files list them.
struct BytePairModel {
    /// Two tokens that become one.
    typealias Merge = (left: [UInt8], right: [UInt8])

    let vocabulary: Vocabulary
    /// The first learnt first.
    let merges: [Merge]
    /// The file that lists the merges: for errors.
    let mergesPath: String

    /// Reads `tokenizer.json`, or `vocab.json` and `merges.txt` where there is none.
    init(_ files: TokenizerFiles) throws(TokenizerError) {
        if let listed = try files.vocabulary(type: "BPE") {
            vocabulary = listed
            mergesPath = files.path("tokenizer.json")
            let list = files.tokenizer?["model"]?["merges"]?.array ?? []
            merges = try Self.merges(list, file: mergesPath)
        } else if let listed = try files.json("vocab.json"), let text = try files.bytes("merges.txt") {
            guard let members = listed.members else {
                throw TokenizerError(.malformed, files.path("vocab.json"), "want an object of tokens and ids")
            }
            vocabulary = try Vocabulary(members, file: files.path("vocab.json"))
            mergesPath = files.path("merges.txt")
            merges = try Self.merges(text, file: mergesPath)
        } else {
            throw files.missing("vocab.json with merges.txt")
        }
    }

    private static func merges(_ list: [JSONValue], file: String) throws(TokenizerError) -> [Merge] {
        try list.enumerated().map { index, value throws(TokenizerError) in
            if let line = value.string, let merge = merge(line[...]) { return merge }
            if let parts = value.array, parts.count == 2, let left = parts[0].string, let right = parts[1].string {
                return (left, right)
            }
            throw TokenizerError(.malformed, file, "merge \(index + 1): want two tokens; fetch the model again")
        }
    }

    private static func merges(_ text: [UInt8], file: String) throws(TokenizerError) -> [Merge] {
        var merges: [Merge] = []
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard !line.isEmpty, !line.starts(with: "#version".utf8) else { continue }
            guard let merge = merge(line) else {
                throw TokenizerError(
                    .malformed, file, "line \(index + 1): want two tokens and a space between; fetch the model again")
            }
            merges.append(merge)
        }
        return merges
    }

    private static func merge(_ line: ArraySlice<UInt8>) -> Merge? {
        let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        return (Array(parts[0]), Array(parts[1]))
    }
}
