package import ModelFolders
package import Stages
package import Tensors

/// The ranker in the folder `directory`, CLIP or a phase-1 model, as its `config.json` says; blocks while it reads.
///
/// `score` is a phase-1 model's, by default the cosine; CLIP, which has one score only, is refused with any.
package func loadRanker(
    directory: String, score: PhaseOneScore?, precision: Precision, engines: EnginePool, use: DeviceUse? = nil
) throws(ModelError) -> any Ranker {
    switch try RankerKind(of: ModelDirectory(directory)) {
    case .phaseOne:
        return try PhaseOneRanker(
            directory: directory, score: score ?? .itc, precision: precision, engines: engines, use: use)
    case .clip:
        if let score { throw ModelError(.badOption, directory, clipHasOneScore(score.rawValue)) }
        return try CLIPRanker(directory: directory, precision: precision, engines: engines, use: use)
    }
}

/// Why `score` cannot be asked of CLIP.
package func clipHasOneScore(_ score: String) -> String {
    "score \(score): a CLIP model has one score, the cosine; only a BLIP-2 model of phase 1 has others"
}
