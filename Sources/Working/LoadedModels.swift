import Captioning
import Commands
import Decoding
import Foundation
import Manifests
import Stages
import Tensors
import VisionLanguage

/// The two models with what depends on them.
struct LoadedModels {
    let bootstrap: BootstrapStage
    let views: ViewStage
    /// Images that are handed to the models at once.
    let batch: Int
    /// So many batches are under way that every engine has an image, and the next ones are prepared meanwhile.
    let batches: Int

    init(_ manifest: Manifest, _ profile: WorkerProfile) throws {
        let device = try profile.torchDevice()
        let cores = profile.threads > 0 ? profile.threads : ProcessInfo.processInfo.activeProcessorCount
        let engines = EnginePool(device: device, engineCount: DeviceUse.engineCount(on: device, cores: cores))
        let use = DeviceUse(
            of: device, batch: profile.batch > 0 ? profile.batch : nil, usesGraphs: profile.cudaGraphs)
        let precision = Precision(rawValue: manifest.precision.rawValue) ?? .auto
        let captioner = try loadCaptioner(
            directory: requireModel(manifest.caption.model, key: "caption.model"),
            CaptionRecipe(
                prompt: manifest.caption.prompt,
                sampling: SamplingOptions(
                    topP: manifest.caption.topP, topK: manifest.caption.topK, minLength: manifest.caption.minLength,
                    maxLength: manifest.caption.maxLength, repetitionPenalty: manifest.caption.repetitionPenalty),
                seed: manifest.seed), precision: precision, engines: engines, use: use)
        let ranker = try loadRanker(
            directory: requireModel(manifest.rank.model, key: "rank.model"),
            score: manifest.rank.score.flatMap { PhaseOneScore(rawValue: $0.rawValue) }, precision: precision,
            engines: engines, use: use)
        bootstrap = BootstrapStage(manifest: manifest, captioner: captioner, ranker: ranker)
        views = ViewStage(captioner: captioner.view, ranker: ranker.view)
        batch = device == .cpu ? 4 : use.batch
        batches = device == .cpu ? max(2, cores / 2) : 3
    }

    func desk(_ gate: RowGate, _ disk: DiskPause, _ pulse: WorkerPulse) -> CaptionDesk {
        CaptionDesk(
            bootstrap: bootstrap, views: views, batch: batch, batches: batches, gate: gate, disk: disk, pulse: pulse)
    }
}

extension WorkerProfile {
    fileprivate func torchDevice() throws -> Tensors.Device {
        do {
            return try Tensors.Device(named: device)
        } catch {
            throw CommandError(.badInput, "device: \(error.message)")
        }
    }
}
