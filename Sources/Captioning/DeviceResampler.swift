import Images
import Stages
import Tensors
import VisionLanguage

// Shape letters of this file: H, W height and width of the picture, S side of the view.

/// Makes the models' views on their device, bit for bit as `Images` makes them.
///
/// Pillow's bicubic filter is two sums of whole numbers, rows first, each divided by 2^22, rounded and clamped to a byte.
/// In float64 products of matrices are exact for them: every sum stays far below 2^53.
final class DeviceResampler {
    private struct Axis: Hashable {
        let from: Int
        let to: Int
        let start: Int
        let count: Int
    }

    private let device: Device
    private var weights: [Axis: Tensor] = [:]

    init(on device: Device) { self.device = device }

    /// The view of `image` as `plan` says: `[3, S, S]`, uint8.
    func view(_ image: PixelImage, _ plan: ViewPlan) throws(TorchError) -> Tensor {
        let bytes = try Tensor.uploading(image.rgb, shape: [image.height, image.width, 3], to: device)
        let across = Axis(from: image.width, to: plan.scaled.width, start: plan.x, count: plan.side)
        let down = Axis(from: image.height, to: plan.scaled.height, start: plan.y, count: plan.side)
        let x3HW = try bytes.to(.float64).permuted([2, 0, 1]).contiguous()
        let x3HS = try rounded(x3HW.times(matrix(across).permuted([1, 0])))
        return try rounded(matrix(down).times(x3HS)).to(.uint8)
    }

    private func rounded(_ sums: Tensor) throws(TorchError) -> Tensor {
        // Adding a half in units of 2^-22 is exact, so rounding down is what shifting an integer does.
        try (sums * 0x1p-22 + half()).floor().clamped(to: 0...255)
    }

    private func half() throws(TorchError) -> Tensor { try Tensor.uploading([0.5], shape: [1], to: device) }

    /// The weights `[count, from]` of `axis`.
    private func matrix(_ axis: Axis) throws(TorchError) -> Tensor {
        if let known = weights[axis] { return known }
        let values = bicubicWeights(from: axis.from, to: axis.to, start: axis.start, count: axis.count).map(Double.init)
        let made = try Tensor.uploading(values, shape: [axis.count, axis.from], to: device)
        if weights.count == 64 { weights.removeAll() }  // lists with a thousand sizes must not fill the memory
        weights[axis] = made
        return made
    }
}

/// The images of requests as a model wants them, resampled on the device where they come as they are.
struct ModelInput: Sendable {
    let side: Int
    let normalization: Normalization
    let device: Device
    let plan: @Sendable (Size, Int) -> ViewPlan
    private let resamplers = ReusePool<Int, DeviceResampler>()

    /// `[B, 3, side, side]` float32 of `images`, normalized, given to `body`, which waits for what it starts with them.
    func withPixels<Value>(
        _ images: [ModelImage], _ body: (Tensor) throws(TorchError) -> Value
    ) throws(TorchError) -> Value {
        try resamplers.use(0) { () throws(TorchError) in
            DeviceResampler(on: device)
        } _: { resampler throws(TorchError) in
            var views: [Tensor] = []
            for image in images {
                switch image {
                case .view(let pixels):
                    let bytes = try Tensor.uploading(pixels, shape: [side, side, 3], to: device)
                    views.append(try bytes.permuted([2, 0, 1]).reshaped([1, 3, side, side]))
                case .source(let picture):
                    let view = try resampler.view(picture, plan(picture.size, side))
                    views.append(try view.reshaped([1, 3, side, side]))
                }
            }
            return try body(normalizedPixels(concatenated(views, dimension: 0), normalization))
        }
    }
}
