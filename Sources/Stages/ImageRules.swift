package import Fetching
import Images
package import Manifests
import Samples

extension Manifest.Image {
    var mode: ResizeMode {
        switch resize {
        case .shortestSide: .shortestSide
        case .longestSide: .longestSide
        case .centerCrop: .centerCrop
        case .pad: .pad
        case .none: .none
        }
    }

    /// Why an image that had `size` when it was fetched is not taken; nil when it is.
    func judgeSides(_ size: Size) -> Rejection? {
        let (shorter, longer) = (min(size.width, size.height), max(size.width, size.height))
        if shorter < minSide {
            return Rejection(.tooSmall, "\(size.width)x\(size.height), a side under \(minSide)")
        }
        if maxAspectRatio > 0, Double(longer) > maxAspectRatio * Double(shorter) {
            return Rejection(.aspectRatio, "\(size.width)x\(size.height), sides over 1:\(maxAspectRatio)")
        }
        return nil
    }

    /// Why an image of `size` is not decoded; nil when it is.
    func judgePixels(_ size: Size) -> Rejection? {
        guard size.width * size.height > maxPixels else { return nil }
        return Rejection(.tooManyPixels, "\(size.width)x\(size.height), more than \(maxPixels) pixels")
    }

    /// Whether the bytes can be stored as they came: nothing has to change, and either that is asked for, or an earlier build
    /// stored them in this format.
    ///
    /// Encoding an image a second time makes it worse.
    func keepsBytes(_ header: ImageHeader, _ plan: ResizePlan, wereStored: Bool) -> Bool {
        guard plan.isIdentity, header.orientation == 1, header.format != .gif else { return false }
        return switch format {
        case .original: true
        case .jpeg: wereStored && header.format == .jpeg
        case .webp: wereStored && header.format == .webp
        }
    }

    /// `pixels` as they are stored.
    func encoded(_ pixels: PixelImage) throws(ImageError) -> StoredImage {
        switch format {
        case .jpeg, .original:
            StoredImage(bytes: try encodeJPEG(pixels, quality: quality), fileExtension: "jpg", size: pixels.size)
        case .webp:
            StoredImage(bytes: try encodeWebP(pixels, quality: quality), fileExtension: "webp", size: pixels.size)
        }
    }
}

extension FetchPolicy {
    /// The policy that `manifest` describes.
    package init(_ manifest: Manifest) {
        self.init(userAgent: manifest.fetch.userAgent)
        timeout = .seconds(manifest.fetch.timeout)
        retries = manifest.fetch.retries
        patience = .seconds(manifest.fetch.patience)
        outage = .seconds(manifest.fetch.outage)
        connectionsPerHost = manifest.fetch.perHost.connections
        requestsPerSecond = manifest.fetch.perHost.rate
        maxBytes = manifest.fetch.maxBytes
        honourOptOut = manifest.fetch.honourOptOut
        allowPrivateAddresses = manifest.fetch.allowPrivateAddresses
        placeholders = manifest.fetch.placeholders
    }
}
