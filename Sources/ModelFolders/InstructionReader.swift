package import BLIP2Models
import Files
import Foundation
import TextTokenizers

/// What a Q-Former that reads text beside its queries is given of a prompt: token ids of its own vocabulary.
///
/// Its tokenizer lies in the folder `qformer_tokenizer` of a model, as in transformers' InstructBLIP.
package struct InstructionReader: Sendable {
    package static let folder = "qformer_tokenizer"

    private let tokenizer: BERTWordPieceTokenizer
    /// The most tokens of a text.
    private let limit: Int

    /// The reader of the model in `directory`, which `configuration` describes.
    package init(_ directory: ModelDirectory, _ configuration: PhaseTwoConfiguration) throws(ModelError) {
        let own = ModelDirectory(undescribed: directory.path + "/" + Self.folder)
        tokenizer = try own.tokenizer(BERTWordPieceTokenizer.init(directory:))
        try checkFit(of: tokenizer, to: configuration.vision, own.path)
        limit = configuration.vision.qformer.positions
    }

    /// The tokens of `prompt`, the text that the language model is given too: `[CLS]` first and `[SEP]` last, cut to what the
    /// Q-Former has positions for.
    package func callAsFunction(_ prompt: String) -> [Int] {
        let tokens = tokenizer.encode(prompt)
        guard tokens.count > limit, let last = tokens.last else { return tokens }
        return tokens.prefix(limit - 1) + [last]
    }

    /// Copies the tokenizer of the model in `directory` beside a model in `path`.
    package static func copyTokenizer(of directory: ModelDirectory, to path: String) throws {
        let target = path + "/" + folder
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        try ModelDirectory(undescribed: directory.path + "/" + folder).copyTokenizer(to: target)
    }
}
