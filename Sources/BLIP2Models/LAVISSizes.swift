package import Layers
package import Tensors
import VisionLanguage

extension BLIP2Configuration {
    /// The sizes of the phase-1 model in `checkpoint`, a file of LAVIS's, which comes without a description, behind `encoder`.
    ///
    /// All but the number of heads show in the tensors; those are 64 wide, as in every BERT of LAVIS's.
    package init(lavis checkpoint: Checkpoint, encoder: ImageEncoderConfiguration) throws(WeightsError) {
        func shape(_ name: String, _ rank: Int) throws(WeightsError) -> [Int] {
            let own = PhaseOneLayout.lavis.name(name)
            let message = "no phase-1 model of LAVIS's: it needs this tensor, with \(rank) dimensions"
            guard let shape = checkpoint.shape(of: own), shape.count == rank else {
                throw WeightsError(code: .missing, file: checkpoint.file(of: own), key: own, message: message)
            }
            return shape
        }
        self.init(encoder: encoder)
        let (queries, words) = (try shape("query_tokens", 3), try shape("embeddings.word_embeddings.weight", 2))
        let layer = "qformer.encoder.layer."
        let keys = "crossattention.attention.key.weight"
        func has(_ layerNumber: Int, _ name: String) -> Bool {
            checkpoint.shape(of: PhaseOneLayout.lavis.name("\(layer)\(layerNumber).\(name)")) != nil
        }
        let layers = (0..<1000).prefix { has($0, "attention.attention.query.weight") }.count
        let width = words[1]
        guard width.isMultiple(of: 64), width > 0 else {
            throw WeightsError(
                code: .wrongShape, file: checkpoint.file(of: "query_tokens"),
                key: PhaseOneLayout.lavis.name("embeddings.word_embeddings.weight"),
                message: "width \(width): heads of LAVIS's models are 64 wide; give a folder with config.json instead")
        }
        (qformer.queries, qformer.vocabulary, qformer.width) = (queries[1], words[0], width)
        (qformer.layers, qformer.heads) = (layers, width / 64)
        qformer.innerWidth = try shape(layer + "0.intermediate.dense.weight", 2)[0]
        qformer.positions = try shape("embeddings.position_embeddings.weight", 2)[0]
        qformer.imageWidth = try shape(layer + "0." + keys, 2)[1]
        // The layers that look at the image; with the first alone, the next one would be behind the last.
        qformer.crossFrequency = (1..<max(layers, 2)).first { has($0, keys) } ?? max(layers, 1)
        jointWidth = try shape("vision_projection.weight", 2)[0]
        imageNormEpsilon = encoder.vision.epsilon
    }
}
