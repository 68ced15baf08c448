package import Tensors

// Shape letters of this file: B pairs of an image and a text, J width of the joint space.

/// The symmetric contrastive loss of pairs, images and texts as vectors `[B, J]` of length 1, a scalar: every image
/// is to find its own text among all, every text its own image.
///
/// `scale` multiplies the cosines; CLIP learns it. Source: openai/CLIP's paper, figure 3; transformers
/// `models/clip/modeling_clip.py`, `clip_loss`.
package func contrastiveLoss(images: Tensor, texts: Tensor, scale: Tensor) throws(TorchError) -> Tensor {
    let pairs = images.shape[0]
    let logitsTI = try texts.times(images.permuted([1, 0])) * scale
    let own = try Tensor(Array(0..<pairs), shape: [pairs]).to(.int64, on: images.device)
    let byText = try crossEntropy(logitsTI, own)
    let byImage = try crossEntropy(logitsTI.permuted([1, 0]), own)
    return try (byText + byImage) * 0.5
}

/// The contrastive loss with soft targets: images and texts that resemble each other share what they are to find.
///
/// Texts aim at softmax((I·Iᵀ + T·Tᵀ) / 2 · temperature), images at its transpose; gradients flow through the targets
/// too. The vectors `[B, J]` need not have length 1.
///
/// Source: moein-shariatnia/OpenAI-CLIP `CLIP.py`, `CLIPModel.forward`.
package func softTargetLoss(images: Tensor, texts: Tensor, temperature: Double = 1) throws(TorchError) -> Tensor {
    let (imagesT, textsT) = (try images.permuted([1, 0]), try texts.permuted([1, 0]))
    let logitsTI = try texts.times(imagesT) * (1 / temperature)
    let likeness = try (images.times(imagesT) + texts.times(textsT)) * (temperature / 2)
    let targets = try likeness.softmax()
    let byText = try softCrossEntropy(logitsTI, targets)
    let byImage = try softCrossEntropy(logitsTI.permuted([1, 0]), targets.permuted([1, 0]))
    return try (byText + byImage) * 0.5
}

/// −Σ target · log softmax over the rows, their mean.
private func softCrossEntropy(_ logits: Tensor, _ targets: Tensor) throws(TorchError) -> Tensor {
    // The mean over all elements, times the number of classes, is the mean over rows of the sum.
    try (targets * logits.logSoftmax()).mean() * Double(-logits.shape[1])
}
