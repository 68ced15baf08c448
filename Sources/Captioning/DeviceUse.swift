package import Tensors

/// How the models use their device.
package struct DeviceUse: Sendable, Equatable {
    /// Images computed at once.
    ///
    /// 1 computes every image alone; more are computed in batches of exactly so many, the last one filled up, so that
    /// every image is computed in the same shapes, whatever its neighbours are.
    package var batch: Int
    /// Whether captions are decoded on the device, in fixed shapes, with no wait for it at each token.
    package var decodesOnDevice: Bool
    /// Whether a step of decoding on a CUDA device is recorded once and replayed.
    package var usesGraphs = true

    package init(batch: Int, decodesOnDevice: Bool, usesGraphs: Bool = true) {
        precondition(batch > 0, "a batch holds at least one image")
        self.batch = batch
        self.decodesOnDevice = decodesOnDevice
        self.usesGraphs = usesGraphs
    }

    /// The use that fits `device`; `batch` is nil to choose by its free memory.
    ///
    /// The choice leaves room for both models: it is best made before they are loaded.
    package init(of device: Device, batch: Int? = nil, usesGraphs: Bool = true) {
        guard device != .cpu else {
            self.init(batch: 1, decodesOnDevice: false)
            return
        }
        let chosen = batch ?? device.availableByteCount.map(Self.batch(availableByteCount:)) ?? 32
        self.init(batch: chosen, decodesOnDevice: true, usesGraphs: usesGraphs)
    }

    /// How many engines share `device`: on the processor one for each of `cores`; on a CUDA device two, so that one
    /// prepares and copies while the other computes.
    package static func engineCount(on device: Device, cores: Int) -> Int { device == .cpu ? cores : 2 }

    /// The largest of 64, 32, … 1 images for which `byteCount` bytes suffice, two batches being under way.
    ///
    /// An image of BLIP-large with ten captions in bfloat16 takes 43 MB for the decoder's keys and values of it (twice),
    /// 20 MB in the vision transformer and 20 MB of logits; 128 MB are counted, and 4 GB for both models and libraries.
    static func batch(availableByteCount byteCount: Int) -> Int {
        let room = (byteCount - 4 << 30) / (2 * 128 << 20)
        return [64, 32, 16, 8, 4, 2].first { $0 <= room } ?? 1
    }
}

/// `values` filled up to `count` with copies of the first.
func filled<Value>(_ values: [Value], to count: Int) -> [Value] {
    guard let first = values.first else { return values }
    return values + [Value](repeating: first, count: max(0, count - values.count))
}
