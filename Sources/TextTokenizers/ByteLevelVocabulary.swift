/// Byte-level tokens for OPT's tokenizer, and the merges that build words of them, to be written for a new model.
package struct ByteLevelVocabulary: Sendable, Equatable {
    /// OPT's, with OPT's ids: `</s>` begins and ends a text.
    private static let special = ["<s>", "<pad>", "</s>", "<unk>"]

    /// The least number of tokens: the special ones and all bytes.
    package static let leastCount = special.count + ByteAlphabet.listed.count

    /// The tokens by id.
    package let tokens: [String]
    /// The merge that is done first stands first.
    package let merges: [BytePairVocabulary.Merge]

    /// The vocabulary of at most `limit` tokens, at least `leastCount`, that byte-pair learning finds in these words.
    ///
    /// The most frequent pair is merged first, of equally frequent ones the first in the order of their bytes; a pair
    /// that stands there once is not merged.
    package static func learn(from counts: WordCounts, limit: Int) -> ByteLevelVocabulary {
        precondition(counts.splitting == .byteLevel, "words are cut as the tokenizer cuts them")
        precondition(limit >= leastCount, "\(limit) tokens, \(leastCount) is the least")
        var learning = BytePairLearning(counts, suffix: [])
        var merges: [BytePairVocabulary.Merge] = []
        while learning.tokenCount < limit - special.count, let (left, right) = learning.mergeNext() {
            merges.append(.init(String(decoding: left, as: UTF8.self), String(decoding: right, as: UTF8.self)))
        }
        return ByteLevelVocabulary(merges: merges)
    }

    private init(merges: [BytePairVocabulary.Merge]) {
        var tokens = Self.special + ByteAlphabet.listed.map { String(decoding: $0, as: UTF8.self) }
        var known = Set(tokens)
        for merge in merges where known.insert(merge.left + merge.right).inserted {
            tokens.append(merge.left + merge.right)
        }
        (self.tokens, self.merges) = (tokens, merges)
    }

    /// Writes `vocab.json`, `merges.txt` and `tokenizer_config.json` into the folder `directory`, as `ByteLevelTokenizer` and
    /// transformers load them.
    package func write(to directory: String) throws(TokenizerError) {
        try writeBytePairs(tokens, merges, directory)
        try writeTokenizerFile(
            """
            {"add_bos_token": true, "add_prefix_space": false, "bos_token": "</s>", "eos_token": "</s>", "errors": "replace", \
            "pad_token": "<pad>", "tokenizer_class": "GPT2Tokenizer", "unk_token": "</s>"}

            """, "tokenizer_config.json", directory)
    }
}
