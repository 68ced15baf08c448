package import Tensors

// Shape letters of this file: B own pairs, N pairs of the global batch.

/// Image-text contrastive learning (ITC): each image is to find its own text among all texts of the global batch, each
/// text its own image.
///
/// The result is these pairs' share of the mean over `count` pairs, a scalar: the shares of all processes and micro-batches
/// of a step add up to the loss of the global batch, and so do their gradients. `smoothing` is the share of the target
/// that is spread evenly over all candidates. With `sharesTargets` the rest is spread evenly over all pairs of the image.
///
/// Source: Li et al., "BLIP-2", 2023, section 3.1, "Image-Text Contrastive Learning"; LAVIS `blip2_qformer.py`,
/// `Blip2Qformer.forward`, whose samples with an `image_id` share targets.
package func imageTextContrastiveLoss(
    _ similarities: Similarities, _ candidates: Candidates, smoothing: Double = 0.1, sharesTargets: Bool = false,
    of count: Int
) throws -> Tensor {
    // 1. Queries and text have not seen each other: the image's queries looked at the image alone, the text's [CLS] at
    //    the text alone, so that nothing leaks from one to the other.
    // 2. The similarity of each query with the text is taken, and the highest is that of image and text; divided by a
    //    learned temperature. (`Similarities`)
    // 3. Negatives are the other pairs of the batch, on all processes. Keys carry no gradient. Pairs with the same image
    //    are no negatives: they are left out of the sums, or found as well.
    try candidates.requireNegatives(similarities.own)
    let device = similarities.imageToText.device
    let targets =
        try sharesTargets
        ? ContrastiveTargets(sharing: candidates.labels, similarities.own, on: device)
        : ContrastiveTargets(candidates.labels, similarities.own, on: device)
    // 4. Cross-entropy in both directions, smoothed; their mean.
    let byImage = try targets.entropies(similarities.imageToText, smoothing)
    let byText = try targets.entropies(similarities.textToImage, smoothing)
    return try (byImage + byText).mean() * (Double(similarities.own.count) / 2 / Double(count))
}

/// What the rows of a matrix of similarities `[B, N]` are to find, and what they are compared with.
struct ContrastiveTargets {
    private enum Wanted {
        /// The place of each row's own pair, int64 `[B, 1]`.
        case place(Tensor)
        /// What of the target each candidate has, `[B, N]`.
        case shares(Tensor)
    }

    private let wanted: Wanted
    /// 1 for the candidates of each row, 0 for other pairs of the same image, `[B, N]`; nil where all are candidates.
    private let isCandidate: Tensor?
    /// 0 and minus infinity alike.
    private let bias: Tensor?
    /// One over the number of candidates of each row, `[B, 1]`.
    private let share: Tensor

    init(_ labels: [Int], _ own: Range<Int>, on device: Device) throws(TorchError) {
        let rows = own.map { pair in labels.indices.map { $0 == pair || labels[$0] != labels[pair] } }
        let shape = [own.count, labels.count]
        wanted = .place(try Tensor(Array(own), shape: [own.count, 1]).to(.int64, on: device))
        let shares = rows.map { row in Float(1 / Double(row.count { $0 })) }
        share = try Tensor(shares, shape: [own.count, 1]).to(.float32, on: device)
        guard rows.contains(where: { $0.contains(false) }) else {
            (isCandidate, bias) = (nil, nil)
            return
        }
        let flat = rows.flatMap(\.self)
        isCandidate = try Tensor(flat.map { $0 ? Float(1) : 0 }, shape: shape).to(.float32, on: device)
        bias = try Tensor(flat.map { $0 ? Float(0) : -.infinity }, shape: shape).to(.float32, on: device)
    }

    /// Targets that all pairs of a row's image share: none is left out.
    init(sharing labels: [Int], _ own: Range<Int>, on device: Device) throws(TorchError) {
        let shape = [own.count, labels.count]
        let shares = own.flatMap { pair in
            let count = labels.count { $0 == labels[pair] }
            return labels.map { $0 == labels[pair] ? Float(1 / Double(count)) : 0 }
        }
        wanted = .shares(try Tensor(shares, shape: shape).to(.float32, on: device))
        let share = Float(1 / Double(labels.count))
        self.share = try Tensor(own.map { _ in share }, shape: [own.count, 1]).to(.float32, on: device)
        (isCandidate, bias) = (nil, nil)
    }

    /// Each row's cross-entropy `[B, 1]`.
    func entropies(_ logits: Tensor, _ smoothing: Double) throws(TorchError) -> Tensor {
        let rows = logits.shape[0]
        let whole = try (bias.map { bias throws(TorchError) in try logits + bias } ?? logits).logSumExp()
            .reshaped([rows, 1])
        let own =
            switch wanted {
            case .place(let places): try logits.gathering(places)
            case .shares(let shares): try (logits * shares).summed().reshaped([rows, 1])
            }
        let sum = try (isCandidate.map { mask throws(TorchError) in try logits * mask } ?? logits).summed()
        return try whole - own * (1 - smoothing) - sum * share * smoothing
    }
}
