import ArgumentParser
import BLIP2Models
import Commands
import Files
import Foundation
import Loading
import Locks
import Manifests
import ModelFolders
import QuestionSets
import Samples
import Tensors
import TextMetrics
import Training

/// What the trainings on images and captions need to know.
struct TrainOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A data set built by the pipeline; repeatable.", valueName: "dir"))
    var data: [String] = []

    @OptionGroup var choices: TrainChoices
    @Option(
        help: """
            Take a random crop of at least this share of each side; 1 is off. Captions about positions stay true down to \
            about 0.8.
            """) var cropScale = 1.0

    var output: String { choices.output }
    var from: String? { choices.from }
    var seed: UInt64 { choices.seed }

    func validate() throws {
        guard !data.isEmpty else { throw ValidationError("--data: want at least one data set") }
        guard cropScale > 0, cropScale <= 1 else {
            throw ValidationError("--crop-scale: want more than 0 and at most 1")
        }
    }

    /// Trains as `objective` says, from the model in its folder.
    func train(_ objective: any ImageObjective, named name: String, captionsPerImage: Int = 1) async throws {
        let loader = try loader()
        var batches = BatchLoader(loader, batchSize: choices.batchSize, view: objective.view)
        batches.captionsPerImage = captionsPerImage
        if cropScale < 1 { batches.transform.crop = .sides(atLeast: cropScale) }
        try await choices.train(
            objective, named: cropScale < 1 ? "\(name), parts from \(cropScale)" : name,
            TrainData(batches: batches, fingerprint: loader.fingerprint, sampleCount: loader.sampleCount))
    }

    /// The samples of `--data`.
    func loader() throws -> ShardLoader { try ShardLoader(directories: data, order: LoadingOrder(seed: seed)) }
}

/// Runs `body`, and gives data and models that cannot be used as bad input.
func asTrainingInput<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
        return try await asInput(body)
    } catch let error as LoadingError {
        throw CommandError(.badInput, "\(error)")
    } catch let error as TrainingError {
        throw CommandError(error.code == .diverged ? .failedWork : .badInput, "\(error)")
    } catch let error as FileError {
        throw CommandError(.failedWork, "\(error)")
    } catch let error as CocoaError {
        let place = error.filePath.map { "\($0): " } ?? ""
        throw CommandError(.failedWork, place + error.localizedDescription)
    } catch let error as PhaseOneError {
        throw CommandError(.badInput, "\(error)")
    } catch let error as CheckpointError {
        throw CommandError(.badInput, "\(error)")
    } catch let error as QuestionError {
        throw CommandError(.badInput, "\(error)")
    } catch let error as MetricsError {
        throw CommandError(.badInput, "\(error)")
    }
}
