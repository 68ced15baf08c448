import Files
import Foundation

/// Byte-pair tokens for CLIP's tokenizer, and the merges that build words of them, to be written for a new model.
package struct BytePairVocabulary: Sendable, Equatable {
    /// Two tokens that become one.
    package struct Merge: Sendable, Hashable {
        package let left: String
        package let right: String

        package init(_ left: String, _ right: String) {
            self.left = left
            self.right = right
        }
    }

    /// The tokens by id.
    package let tokens: [String]
    /// The merge that is done first stands first.
    package let merges: [Merge]

    private static let last = ["<|startoftext|>", "<|endoftext|>"]

    /// The least number of tokens: all bytes inside and at the end of words, start and end of text.
    package static let leastCount = 2 * ByteAlphabet.listed.count + last.count

    /// All bytes, all bytes at the end of a word, what `merges` build, fill where there are fewer than `count` tokens,
    /// and start and end of text.
    package init(merges: [Merge], atLeast count: Int = 0) {
        let bytes = ByteAlphabet.listed.map { String(decoding: $0, as: UTF8.self) }
        var tokens = bytes + bytes.map { $0 + "</w>" }
        var known = Set(tokens)
        for merge in merges where known.insert(merge.left + merge.right).inserted {
            tokens.append(merge.left + merge.right)
        }
        tokens += (0..<max(0, count - tokens.count - Self.last.count)).map { "<|unused\($0)|>" }
        self.tokens = tokens + Self.last
        self.merges = merges
    }

    /// The vocabulary of at most `limit` tokens, at least `leastCount`, that byte-pair learning finds in these words.
    ///
    /// The most frequent pair is merged first, of equally frequent ones the first in the order of their bytes; a pair
    /// that stands there once is not merged.
    package static func learn(from counts: WordCounts, limit: Int) -> BytePairVocabulary {
        precondition(counts.splitting == .bytePair, "words are cut as the tokenizer cuts them")
        precondition(limit >= leastCount, "\(limit) tokens, \(leastCount) is the least")
        var learning = BytePairLearning(counts, suffix: BytePairs.suffix)
        var merges: [Merge] = []
        while learning.tokenCount < limit - last.count, let (left, right) = learning.mergeNext() {
            merges.append(Merge(String(decoding: left, as: UTF8.self), String(decoding: right, as: UTF8.self)))
        }
        return BytePairVocabulary(merges: merges)
    }

    /// Writes `vocab.json`, `merges.txt` and `tokenizer_config.json` into the folder `directory`, as `CLIPTokenizer` and
    /// transformers load them.
    package func write(to directory: String) throws(TokenizerError) {
        try writeBytePairs(tokens, merges, directory)
        try writeTokenizerFile(
            """
            {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "model_max_length": 77, \
            "pad_token": "<|endoftext|>", "tokenizer_class": "CLIPTokenizer", "unk_token": "<|endoftext|>"}

            """, "tokenizer_config.json", directory)
    }
}

/// Writes `vocab.json` and `merges.txt`.
func writeBytePairs(
    _ tokens: [String], _ merges: [BytePairVocabulary.Merge], _ directory: String
) throws(TokenizerError) {
    let members = tokens.enumerated().map { id, token in
        let escaped = token.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return "\"\(escaped)\":\(id)"
    }
    try writeTokenizerFile("{\(members.joined(separator: ","))}", "vocab.json", directory)
    let lines = ["#version: 0.2"] + merges.map { "\($0.left) \($0.right)" }
    try writeTokenizerFile(lines.joined(separator: "\n") + "\n", "merges.txt", directory)
}

func writeTokenizerFile(_ text: String, _ name: String, _ directory: String) throws(TokenizerError) {
    let path = directory + "/" + name
    do {
        try writeFile(text.utf8, to: path)
    } catch {
        throw TokenizerError(.unwritable, error.path, error.reason)
    }
}
