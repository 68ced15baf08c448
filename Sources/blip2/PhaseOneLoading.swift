import Digests
import Foundation
import Loading
import Manifests
import Samples
import TextTokenizers

/// The batches that a phase-1 run is trained on, as its settings say.
struct PhaseOneLoading {
    let batches: BatchLoader
    /// Of the data, their order, and what is done to images and captions: runs that differ in it see other batches.
    let fingerprint: String

    /// Finds the shards of the sets of `settings`; images become squares of `side` pixels.
    init(_ settings: PhaseOneSettings, side: Int) throws {
        var order = LoadingOrder(seed: settings.seed)
        order.interleavedShards = settings.data.shuffle.shards
        order.bufferedSamples = settings.data.shuffle.samples
        order.bufferedBytes = settings.data.shuffle.bytes
        if settings.data.mixing == .batches { order.mixing = .batches(of: settings.training.batchSize) }
        let sets = settings.data.sets.map { set in
            LoadingSet(at: set.paths, share: set.share, transform: set.images.map { ImageTransform($0, side: side) })
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
        self.batches = batches
        fingerprint = digest(of: loader.fingerprint + "\n" + (try Self.preparation(settings, side: side))).hex
    }

    private struct Preparation: Encodable {
        let side: Int
        let images: PhaseOneSettings.Images
        let sets: [PhaseOneSettings.Images?]
        let captions: PhaseOneSettings.Captions
    }

    private static func preparation(_ settings: PhaseOneSettings, side: Int) throws -> String {
        try jsonLine(
            Preparation(
                side: side, images: settings.images, sets: settings.data.sets.map(\.images),
                captions: settings.captions))
    }
}

extension ImageTransform {
    fileprivate init(_ images: PhaseOneSettings.Images, side: Int) {
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
