/// The tokenizer of the language model in the folder `directory`.
///
/// `tokenizer_config.json` names its class; where it does not, or names one that does what `tokenizer.json` says, the files
/// tell: a model of type `BPE` or `Unigram`, `vocab.json` with `merges.txt`, or `spiece.model`.
///
/// - Throws: `unsupported` for other tokenizers, by name.
package func loadLanguageTokenizer(directory: String) throws(TokenizerError) -> any LanguageTokenizer {
    let files = try TokenizerFiles(directory: directory)
    if let name = files.config?["tokenizer_class"]?.string.map({ String(decoding: $0, as: UTF8.self) }) {
        if TokenizerKind.byteLevel.classes.contains(name) { return try ByteLevelTokenizer(files) }
        if TokenizerKind.unigram.classes.contains(name) { return try UnigramTokenizer(files) }
        guard TokenizerKind.general.contains(name) else {
            throw TokenizerError(
                .unsupported, files.path("tokenizer_config.json"),
                "tokenizer_class: \(name) is not supported for language models, only GPT2Tokenizer and T5Tokenizer")
        }
    }
    if let type = files.tokenizer?["model"]?["type"] {
        switch type.string.map({ String(decoding: $0, as: UTF8.self) }) {
        case "BPE": return try ByteLevelTokenizer(files)
        case "Unigram": return try UnigramTokenizer(files)
        default:
            throw TokenizerError(
                .unsupported, files.path("tokenizer.json"),
                "model.type: \(type.shown) is not supported for language models, only BPE and Unigram")
        }
    }
    if try files.bytes("spiece.model") != nil { return try UnigramTokenizer(files) }
    if try files.bytes("vocab.json") != nil { return try ByteLevelTokenizer(files) }
    throw files.missing("vocab.json with merges.txt, nor spiece.model")
}
