import Decoding
package import Tensors

// Shape letters of this file: B images, N captions, T tokens, D model width.

extension BLIP {
    /// The language-model loss of captions of images of normalized pixels `[B, 3, side, side]`, a scalar.
    ///
    /// It is the mean over all tokens behind the prompt, the end token among them. An image is encoded once, whatever
    /// the number of its captions.
    ///
    /// A caption is the start token, the rest of the prompt, the text, the end token; the first `promptLength` tokens
    /// are given, not asked for. `smoothing` is the share of the target that is spread over the vocabulary.
    ///
    /// Source: salesforce/BLIP `models/blip.py`, `BLIP_Decoder.forward`; `models/med.py`, `BertLMHeadModel.forward`.
    package func captionLoss(
        _ pixels: Tensor, _ captionsOfImages: [[[Int]]], promptLength: Int, smoothing: Double = 0.1
    ) throws(TorchError) -> Tensor {
        let captions = captionsOfImages.flatMap(\.self)
        let imageOfRow = captionsOfImages.enumerated().flatMap { image, captions in captions.map { _ in image } }
        precondition(captions.allSatisfy { $0.count > promptLength }, "a caption is longer than its prompt")
        let targets = CaptionTargets(captions, promptLength: promptLength)
        let layout = try RowLayout(imageOfRow, groups: captionsOfImages.count, on: pixels.device)
        let images = try decoder.see(vision(pixels))
        let statesNTD = try decoder.states(targets.inputs, nil, images, layout, rows: captions.count)
        // The head is the widest product: it runs only where a token is asked for.
        let places = try Tensor(targets.places, shape: [targets.places.count]).to(.int64, on: pixels.device)
        let states = try statesNTD.reshaped([targets.inputs.count, statesNTD.shape[2]]).selecting(0, places)
        let classes = try Tensor(targets.classes, shape: [targets.classes.count]).to(.int64, on: pixels.device)
        return try crossEntropy(decoder.logits(states), classes, smoothing: smoothing)
    }
}

/// What a decoder is given, and what it is asked for.
struct CaptionTargets: Equatable {
    /// The tokens `[N, T]` in row order, each caption but its last token, filled up to the longest.
    private(set) var inputs: [Int] = []
    /// Where in `inputs` the next token is asked for.
    private(set) var places: [Int] = []
    /// Which token that is.
    private(set) var classes: [Int] = []

    /// Attention is causal, so what fills a caption up is seen by no token that is asked for.
    init(_ captions: [[Int]], promptLength: Int) {
        let length = (captions.map(\.count).max() ?? 1) - 1
        for caption in captions {
            for place in promptLength..<caption.count {
                places.append(inputs.count + place - 1)
                classes.append(caption[place])
            }
            inputs += caption.dropLast() + [Int](repeating: 0, count: length - caption.count + 1)
        }
    }
}
