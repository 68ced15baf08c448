import ArgumentParser
import Captioning
import Commands
import Files
import Foundation
import Loading
import TextTokenizers

extension TrainOptions {
    enum Role {
        /// With what every caption begins: its words are in the vocabulary too.
        case captioner(prompt: String)
        case ranker
    }

    /// The folder of the model that training starts from: that of `--from`, or a new one's under the output.
    ///
    /// A new one has the image transformer of the model `size.visionFrom`, where that is given. One that an earlier run
    /// made must have been made with the same options.
    func startFolder(_ size: SizeOptions, _ role: Role) throws -> String {
        if let from {
            guard let option = size.given.first else { return try requireModel(from) }
            throw ValidationError("--\(option): not with --from, whose model has its own sizes and image transformer")
        }
        let loader = try loader()
        return try recipe(size, role, loader).folder(in: output) { partial in
            switch role {
            case .captioner(let prompt):
                let words = try wordCounts(.wordPiece, before: prompt, loader)
                try RandomCheckpoint.writeBLIP(
                    size.size, vocabulary: .learn(from: words, limit: size("vocabulary")), to: partial, seed: seed)
            case .ranker:
                let words = try wordCounts(.bytePair, before: "", loader)
                try RandomCheckpoint.writeCLIP(
                    size.size, vocabulary: .learn(from: words, limit: size("vocabulary")), to: partial, seed: seed)
            }
            if let visionFrom = size.visionFrom { try transferVision(from: requireModel(visionFrom), to: partial) }
        }
    }

    private func recipe(_ size: SizeOptions, _ role: Role, _ loader: ShardLoader) -> StartRecipe {
        var options = Dictionary(uniqueKeysWithValues: size.named.map { ($0.name, "\($0.value)") })
        options["vision-from"] = size.visionFrom
        options["seed"] = "\(seed)"
        options["data"] = loader.fingerprint
        switch role {
        case .captioner(let prompt): (options["model"], options["prompt"]) = ("captioner", prompt)
        case .ranker: options["model"] = "clip"
        }
        return StartRecipe(options: options)
    }

    /// The words of one epoch's captions, each behind `prompt`, of at most a million samples.
    private func wordCounts(
        _ splitting: WordCounts.Splitting, before prompt: String, _ loader: ShardLoader
    ) throws -> WordCounts {
        let samples = loader.samples(from: 0)
        var counts = WordCounts(splitting)
        for _ in 0..<min(loader.sampleCount, 1_000_000) {
            for caption in try samples.next().captions { counts.add(prompt + caption) }
        }
        return counts
    }
}
