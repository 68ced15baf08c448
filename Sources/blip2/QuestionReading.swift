import BLIP2Models
import Commands
import Digests
import Files
import Foundation
import Layers
import Manifests
import ModelFolders
import Samples
import Tensors
import TextTokenizers
import VisionLanguage

/// The phase-1 model whose Q-Former reads questions.
struct QuestionReading {
    private let folder: ModelDirectory
    private let vocabulary: StartTokenVocabulary

    /// The model that `start` names; `qformer`, phase 2's, is given its words and positions.
    init(
        _ start: FinetuneSettings.Start, beside qformer: inout QFormerConfiguration,
        behind encoder: ImageEncoderConfiguration
    ) throws {
        guard let name = start.phaseOne else {
            throw CommandError(
                .badInput,
                "start.phase1: add it, the phase-1 model of \(start.from): phase 2 drops what a Q-Former reads questions with"
            )
        }
        let origin = try PhaseOneOrigin(name, key: "start.phase1")
        guard origin.kind != .bert else {
            throw CommandError(
                .badInput, "start.phase1: \(origin.folder.path): a BERT, but a trained phase-1 model is needed")
        }
        folder = origin.folder
        let own = try origin.configuration(behind: encoder).qformer
        for (what, wanted, found) in [
            ("layers", qformer.layers, own.layers), ("width", qformer.width, own.width),
            ("inner width", qformer.innerWidth, own.innerWidth),
        ] where wanted != found {
            throw CommandError(
                .badInput,
                "start.phase1: \(folder.path): its Q-Former has \(what) \(found), that of \(start.from) has \(wanted)")
        }
        (qformer.vocabulary, qformer.positions) = (own.vocabulary, own.positions)
        let texts =
            try start.tokenizer.map { try requireModel($0, key: "start.tokenizer") } ?? origin.tokenizerFolder()
        vocabulary = try ModelDirectory(undescribed: texts).tokenizer(StartTokenVocabulary.init(directory:))
        guard vocabulary.count == own.vocabulary else {
            throw ModelError(
                .badTokenizer, texts,
                "\(vocabulary.count) tokens, but \(name) has \(own.vocabulary); use the tokenizer that belongs to the model"
            )
        }
    }

    func checkpoint() throws -> Checkpoint { try folder.load { checkpoint throws(WeightsError) in checkpoint } }

    func writeTokenizer(to folder: String) throws {
        let own = folder + "/" + InstructionReader.folder
        try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
        try vocabulary.write(to: own)
    }

    var line: String {
        get throws {
            "Q-Former's words and the text's feed-forwards: from the phase-1 model \(folder.path), digest "
                + "\(try checkpointDigest(folder.path).hex.prefix(16))"
        }
    }

    /// What a start's recipe says of it.
    var recipe: [String: String] {
        get throws {
            [
                "start.phase1": try checkpointDigest(folder.path).hex,
                "start.tokenizer": digest(of: vocabulary.text).hex,
            ]
        }
    }
}
