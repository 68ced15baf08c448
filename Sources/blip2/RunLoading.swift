import Commands
import Digests
import Foundation
import Loading
import Manifests
import QuestionSets
import Samples
import TextTokenizers
import Training

/// The batches that a run is trained on, as its settings say.
struct RunLoading {
    private(set) var batches: BatchLoader
    /// Of the data, their order, and what is done to images and captions: runs that differ in it see other batches.
    let fingerprint: String
    /// Samples that are not trained on, in how many batches, and after how many steps they are looked at; nil where none are.
    private var heldOut: (batches: BatchLoader, count: Int, interval: Int)?

    /// What is validated and when; nil where nothing is.
    var validation: TrainingRun.Validation? {
        heldOut.map { TrainingRun.Validation($0.batches, count: $0.count, every: $0.interval) }
    }

    /// How many images are decoded at once.
    var decoders: Int {
        get { batches.decoders }
        set {
            batches.decoders = newValue
            heldOut?.batches.decoders = newValue
        }
    }
    /// How many questions are asked about how many images, in words, a line for each set.
    let questionLines: [String]

    /// Finds the shards of the sets of `settings`; images become squares of `side` pixels.
    init(_ settings: RunSettings, side: Int) throws {
        let asked = try RunQuestions(settings)
        var order = LoadingOrder(seed: settings.seed)
        order.interleavedShards = settings.data.shuffle.shards
        order.bufferedSamples = settings.data.shuffle.samples
        order.bufferedBytes = settings.data.shuffle.bytes
        if settings.data.mixing == .batches { order.mixing = .batches(of: settings.training.batchSize) }
        let sets = settings.data.sets.enumerated().map { number, set in
            var found = LoadingSet(
                at: set.paths, share: set.share, transform: set.images.map { ImageTransform($0, side: side) })
            found.keys = asked?.training[number].keys
            return found
        }
        let loader = try ShardLoader(sets, order: order)
        var batches = BatchLoader(
            loader, batchSize: settings.training.batchSize, transform: ImageTransform(settings.images, side: side))
        batches.captionChoice =
            switch settings.captions.use {
            case .kept: .kept
            case .best: .best
            case .web: .web
            }
        if settings.captions.clean == .blip { batches.clean = { blipCaption($0) } }
        batches.damageLimit = settings.data.damageLimit
        if let asked { batches.ask = { set, key, pass in asked.training[set].ask(key, pass: pass) } }
        self.batches = batches
        heldOut = try settings.validation.map { try Self.heldOut($0, settings, asked?.validation, like: batches) }
        questionLines = asked?.lines ?? []
        var parts = [loader.fingerprint, try Self.preparation(settings, side: side)]
        if let asked { parts.append(asked.digest) }
        fingerprint = digest(of: parts.joined(separator: "\n")).hex
    }

    /// Batches of held-out samples, prepared like `training`, but for chance: images are shown whole.
    private static func heldOut(
        _ validation: RunSettings.Validation, _ settings: RunSettings, _ questions: QuestionSet?,
        like training: BatchLoader
    ) throws -> (BatchLoader, count: Int, interval: Int) {
        var set = LoadingSet(at: validation.paths)
        set.keys = questions?.keys
        let loader = try ShardLoader([set], order: LoadingOrder(seed: settings.seed))
        guard loader.sampleCount >= training.batchSize else {
            throw CommandError(
                .badInput,
                "validation.path: \(loader.sampleCount) samples, fewer than training.batch_size, \(training.batchSize)")
        }
        var batches = BatchLoader(
            loader, batchSize: training.batchSize, transform: ImageTransform(side: training.transform.side))
        (batches.captionChoice, batches.clean) = (training.captionChoice, training.clean)
        batches.damageLimit = training.damageLimit
        if let questions { batches.ask = { _, key, pass in questions.ask(key, pass: pass) } }
        let count = max(1, min(validation.samples, loader.sampleCount) / training.batchSize)
        return (batches, count, validation.every)
    }

    private struct Preparation: Encodable {
        let side: Int
        let images: RunSettings.Images
        let sets: [RunSettings.Images?]
        let captions: RunSettings.Captions
    }

    private static func preparation(_ settings: RunSettings, side: Int) throws -> String {
        try jsonLine(
            Preparation(
                side: side, images: settings.images, sets: settings.data.sets.map(\.images),
                captions: settings.captions))
    }
}

extension ImageTransform {
    fileprivate init(_ images: RunSettings.Images, side: Int) {
        self.init(side: side)
        crop =
            switch images.crop {
            case .whole: nil
            case .sides(let share): .sides(atLeast: share)
            case .area(let area, let aspect): .area(area, aspect: aspect)
            }
        flips = images.flip
        randAugment = images.randAugment ? RandAugment() : nil
    }
}
