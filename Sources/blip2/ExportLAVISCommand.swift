import ArgumentParser
import BLIP2Models
import Commands
import Foundation
import Layers
import Manifests
import ModelDescriptions
import ModelFolders
import Tensors
import Training

/// Writes a BLIP-2 in the form of LAVIS's own files, to continue with it there.
struct ExportLAVISCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export-lavis",
        abstract: "Write a BLIP-2 model as a .pth file for LAVIS.",
        discussion: """
            Models are trained and kept in the model hub's layout, which transformers loads. This writes LAVIS's names, in the \
            form of torch.save. As in LAVIS's own files there is no language model and no tokenizer: LAVIS loads them \
            itself. It also loads the image encoder itself unless that was fine-tuned; --without-image-encoder leaves it out.

            EXAMPLE:
              blip2 export-lavis out/stage2 --output out/stage2.pth

            In LAVIS, model.load_checkpoint("out/stage2.pth") loads what fits and says nothing of the rest. Where LAVIS would \
            build another model than this one, a warning says what differs.
            """)

    @Argument(help: "A BLIP-2 model of phase 1 or 2, or fine-tuned: a folder in the model hub's layout, or an id.")
    var model: String

    @Option(help: ArgumentHelp("The file to write; an existing file is not overwritten.", valueName: "file"))
    var output: String

    @Flag(help: "Leave the image encoder out.") var withoutImageEncoder = false

    @OptionGroup var logs: LogOptions

    func run() async throws {
        let output = expandingHome(output)
        try checkOutput(output)
        let folder = try await asInput { try ModelDirectory(requireModel(model)) }
        if withoutImageEncoder,
            try await asInput({ try TrainedStep(of: folder) })?.objective.contains("fine-tuning") == true
        {
            throw CommandError(
                .usage,
                "--without-image-encoder: the image encoder of \(folder.path) was fine-tuned, and LAVIS has another")
        }
        let (export, tensors) = try await asInput { try read(folder) }
        do {
            try writeTorchFile(tensors, under: "model", to: output)
        } catch {
            let reason = (error as? CheckpointError)?.message ?? "\(error)"
            throw CommandError(.badInput, "--output: \(output): cannot be written: \(reason)")
        }
        let left = withoutImageEncoder ? "; the image encoder is left out" : ""
        try printResult("\(output): \(export.className) of LAVIS, \(tensors.count) tensors\(left)")
        let differences = export.differences.map { "\($0.what) \($0.here), in LAVIS \($0.there)" }
        guard !differences.isEmpty else { return }
        StandardError.line(
            "warning: LAVIS builds another model, and loads what fits of this one without an error: "
                + differences.joined(separator: "; ") + ". See docs/models.md", from: "blip2")
    }

    /// Refuses what is there already, and what cannot be made.
    private func checkOutput(_ path: String) throws {
        // Also a link that leads nowhere.
        guard (try? FileManager.default.attributesOfItem(atPath: path)) == nil else {
            throw CommandError(.usage, "--output: \(path) exists: choose another name, or remove it first")
        }
        try requireFolder(of: path, option: "--output")
    }

    private func read(_ folder: ModelDirectory) throws(ModelError) -> (LAVISExport, [String: Tensor]) {
        let hasLanguageModel = try folder.load { checkpoint in
            PhaseTwoLayout(of: checkpoint) == .hub || checkpoint.names.contains { $0.hasPrefix("language_model.") }
        }
        let export = try folder.configuration("config.json") { json throws(ConfigurationError) in
            try LAVISExport(json: json, hasLanguageModel: hasLanguageModel)
        }
        return try folder.load { checkpoint throws(WeightsError) in
            var tensors = try export.tensors(of: checkpoint)
            if !withoutImageEncoder {
                tensors.merge(try export.imageEncoder(of: checkpoint)) { _, _ in
                    preconditionFailure("the image encoder has names of its own")
                }
            }
            return (export, tensors)
        }
    }
}
