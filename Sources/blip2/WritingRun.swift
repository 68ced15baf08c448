import ArgumentParser
import BLIP2Models
import Captioning
import Commands
import Evaluation
import Files
import Foundation
import LanguageModels
import Manifests
import ModelFolders
import ProcessGroups
import Storage
import Tensors

/// Lets a phase-2 model write about all that is asked: in this process, as one of several, or by starting them.
struct WritingRun {
    let options: WritingModelOptions
    /// Where image files are, if there is no data set.
    let examples: ExamplesOptions
    let directory: String
    let asked: [WritingModelOptions.Asked]
    let defaults: WritingModelOptions.Defaults

    /// What was written, by the items' ids; nil where another process tells.
    func texts() async throws -> [String: String]? {
        switch try ProcessStart(processes: options.processes, environment: ProcessInfo.processInfo.environment) {
        case .alone:
            try noteMissing()
            return try await write()
        case .launching(let count):
            // What is wrong with options and data is said once, before there are others.
            _ = (try options.machine.engines(), try options.machine.arithmetic(), try images())
            try noteMissing()
            let code = try await ProcessLauncher(count, resumes: false).run()
            if code != 0 { throw ExitCode(code) }
            return nil
        case .joining(var place):
            place.resumes = false
            let joined = try JoinedProcesses(joining: place)
            let texts = try await joined.run { try await asCommandError { try await together(joined) } }
            return place.index == 0 ? texts : nil
        }
    }

    /// What all processes wrote; where one was asked to stop, all stop.
    private func together(_ joined: JoinedProcesses) async throws -> [String: String] {
        var part = Part()
        do {
            part.texts = try await write(joined)
        } catch is CancellationError {}
        let bytes = Array(try JSONEncoder().encode(part))
        let parts = try await blocking { try joined.group.gathered(bytes) }
            .map { try JSONDecoder().decode(Part.self, from: Data($0)) }
        return try parts.reduce(into: [:]) { all, part in
            guard let texts = part.texts else { throw CancellationError() }
            all.merge(texts) { first, _ in first }
        }
    }

    /// What a process wrote; nil where it was asked to stop.
    private struct Part: Codable {
        var texts: [String: String]?
    }

    private func write(_ joined: JoinedProcesses? = nil) async throws -> [String: String] {
        let place = joined?.place
        let engines = try options.machine.engines(place)
        var batch = try options.machine.use(images: asked.count, place).batch
        let model = try await asInput {
            try GenerationModel(directory: directory, precision: options.machine.arithmetic(), on: engines.device)
        }
        // The first process has its say: by free memory each might choose another.
        if let joined {
            let first = try joined.group.gathered(Array("\(batch)".utf8))[0]
            batch = Int(String(decoding: first, as: UTF8.self)) ?? batch
        }
        var evaluation = TextEvaluation(model, engines, generation)
        evaluation.shown = options.shown ?? .own
        evaluation.batch = batch
        if let place { evaluation.share = .init(place.index, of: place.count) }
        let progress = PartProgress()
        defer { progress.finish() }
        do {
            return try await asInput {
                try await evaluation.run(items(for: model), about: try images()) {
                    if place?.index ?? 0 == 0 { progress.show("writing", unit: "texts", done: $0, total: $1) }
                }
            }
        } catch let error as EvaluationError {
            throw CommandError(.badInput, "\(error)")
        }
    }

    private func images() throws -> any AskedImages {
        do {
            guard options.data.isEmpty else {
                return try DatasetImages(options.data.map { Dataset(at: expandingHome($0)) })
            }
            return try FolderImages(examples.folder(), asked.lazy.map { (id: $0.image, file: $0.file) })
        } catch let error as EvaluationError {
            throw CommandError(.badInput, "\(error)")
        }
    }

    /// Says which files are not there before the model writes, which may take hours.
    private func noteMissing() throws {
        guard let missing = (try images() as? FolderImages)?.missing else { return }
        StandardError.line("--images: \(missing)", from: "blip2")
    }

    private func items(for model: GenerationModel) -> [TextEvaluation.Item] {
        let isDecoder = model.configuration.language.isDecoder
        let prompt = options.prompt ?? (isDecoder ? defaults.prompts.decoder : defaults.prompts.encoder)
        return asked.map {
            TextEvaluation.Item(id: $0.id, image: $0.image, prompt: prompt.replacing("{}", with: $0.question))
        }
    }

    private var generation: GenerationOptions {
        let search: GenerationOptions.Search =
            options.beams == 1
            ? .greedy : .beams(options.beams ?? 5, lengthPenalty: options.lengthPenalty ?? defaults.lengthPenalty)
        let most = options.maxNewTokens ?? defaults.maxNewTokens
        return GenerationOptions(
            search, minNewTokens: min(options.minNewTokens ?? defaults.minNewTokens, most), maxNewTokens: most)
    }
}

/// Runs `body`; a wrong option is an error of a command, which one process says for all.
private func asCommandError<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch let error as ValidationError {
        throw CommandError(.usage, error.message)
    }
}
