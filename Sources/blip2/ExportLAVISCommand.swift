import ArgumentParser
import BLIP2Models
import Commands
import Foundation
import Layers
import ModelDescriptions
import ModelFolders
import Tensors

/// Writes a BLIP-2 for those who go on with it in LAVIS.
struct ExportLAVISCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export-lavis",
        abstract: "Write a BLIP-2 model as a .pth file for LAVIS.",
        discussion: """
            Models are trained and kept in the model hub's layout, which transformers loads. This is for LAVIS: its \
            names, in the form of torch.save. As in LAVIS's own files there is no language model and no tokenizer: \
            LAVIS loads them by the names in its configuration. An image encoder that was not fine-tuned is also \
            LAVIS's own; --without-image-encoder leaves it out.

            EXAMPLE:
              blip2 export-lavis out/stage2 --output out/stage2.pth

            In LAVIS, model.load_checkpoint("out/stage2.pth"). Sizes are the model's: LAVIS's class must have the same.
            """)

    @Argument(help: "A BLIP-2 model of phase 1 or 2, or fine-tuned: a folder in the model hub's layout, or an id.")
    var model: String

    @Option(help: ArgumentHelp("The file to write; one that is there is not replaced.", valueName: "file"))
    var output: String

    @Flag(help: "Leave the image encoder out.") var withoutImageEncoder = false

    @OptionGroup var logs: LogOptions

    func run() async throws {
        guard !FileManager.default.fileExists(atPath: output) else {
            throw CommandError(.usage, "--output: \(output) exists: choose another name, or remove it first")
        }
        let folder = try await asInput { try ModelDirectory(requireModel(model)) }
        let (export, tensors) = try await asInput { try read(folder) }
        do {
            try writeTorchFile(tensors, under: "model", to: output)
        } catch {
            throw CommandError(.badInput, "--output: \(error)")
        }
        let left = withoutImageEncoder ? "; the image encoder is left out" : ""
        try printResult("\(output): \(export.className) of LAVIS, \(tensors.count) tensors\(left)")
        if let remark = export.remark { StandardError.line("warning: \(remark)", from: "blip2") }
    }

    private func read(_ folder: ModelDirectory) throws(ModelError) -> (LAVISExport, [String: Tensor]) {
        let hasLanguageModel = try folder.load { checkpoint in PhaseTwoLayout(of: checkpoint) == .hub }
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
