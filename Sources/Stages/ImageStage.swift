package import Archives
import Digests
package import Fetching
import Images
package import Manifests
import Samples
import SourceAdapters

/// From a row of a list to the image that is stored: fetch, check, decode, turn upright, resize, encode.
package struct ImageStage: Sendable {
    /// The sides in pixels of the square views that the two models take.
    package struct ViewSides: Sendable {
        package let captioner: Int
        package let ranker: Int
        /// Whether the models make their views themselves, of the image as it is.
        package let areMadeByModels: Bool

        package init(captioner: Int, ranker: Int, areMadeByModels: Bool = false) {
            self.captioner = captioner
            self.ranker = ranker
            self.areMadeByModels = areMadeByModels
        }
    }

    private let image: Manifest.Image
    private let maxBytes: Int
    private let verifiesDigests: Bool
    private let hashesLooks: Bool
    private let fetcher: any Fetcher
    private let roots: ImageRoots
    private let excluded: DigestList
    private let watch: any CrashWatch
    private let views: ViewSides?

    /// `views` is nil where no model looks at the images; `excluded` are the bytes that must not be kept.
    package init(
        manifest: Manifest, fetcher: any Fetcher, roots: ImageRoots = ImageRoots(),
        excluded: DigestList = DigestList(), watch: any CrashWatch = NoCrashWatch(), views: ViewSides?
    ) {
        self.image = manifest.image
        self.maxBytes = manifest.fetch.maxBytes
        self.verifiesDigests = manifest.fetch.verifyDigests
        self.hashesLooks = manifest.deduplicate.perceptual != nil
        self.fetcher = fetcher
        self.roots = roots
        self.excluded = excluded
        self.watch = watch
        self.views = views
    }

    /// The record of the image at `url`, which is in no list.
    package func run(url: String) async -> SampleRecord {
        let row = SourceRow(id: SampleID(source: "url", row: 0), sourceID: "", location: .url(url), captions: [])
        return await run(row, url: url, ByteBudget.Share(of: ByteBudget(limit: 1)))
    }

    /// The record of `row`: with its image, or with the reason why there is none.
    ///
    /// Never throws: a bad row is a value. The bytes as fetched count against `share` until they are decoded.
    /// `url` is what the list says, which is what the record keeps: where an image lies on this machine is not.
    func run(_ row: SourceRow, url: String, _ share: ByteBudget.Share) async -> SampleRecord {
        var record = SampleRecord(id: row.id, sourceID: row.sourceID, url: url, given: row.captions)
        if let signal = watch.crash(of: row.id) {
            return record.rejected(Rejection(.decodeError, "a decoder crashed on its bytes, by signal \(signal)"))
        }
        let bytes: [UInt8]
        switch await load(row.location) {
        case .success(let body):
            record.httpStatus = body.httpStatus == 0 ? nil : body.httpStatus
            record.finalURL = body.finalURL.isEmpty ? nil : body.finalURL
            bytes = body.bytes
        case .failure(let failure):
            record.httpStatus = failure.httpStatus
            record.finalURL = failure.finalURL
            return record.rejected(failure.rejection)
        }
        share.take(bytes.count)
        defer { share.take(-bytes.count) }
        let (sha256, md5) = (digest(of: bytes), needsMD5(row) ? Digests.md5(of: bytes) : nil)
        if excluded.contains(sha256: sha256.hex, md5: md5) { return .excluded(row.id) }
        record.fetchedByteCount = bytes.count
        record.sha256 = sha256
        if verifiesDigests, let rejection = mismatch(row.facts, sha256: sha256.hex, md5: md5) {
            return record.rejected(rejection)
        }
        return watch.working(on: row.id) { prepare(bytes, record) }
    }

    private func needsMD5(_ row: SourceRow) -> Bool { excluded.hasMD5 || verifiesDigests && row.facts.md5 != nil }

    private func mismatch(_ facts: RowFacts, sha256: String, md5: String?) -> Rejection? {
        if let wanted = facts.sha256, wanted != sha256 {
            return Rejection(.digestMismatch, "SHA-256 \(sha256), not \(wanted)")
        }
        if let wanted = facts.md5, wanted != md5 {
            return Rejection(.digestMismatch, "MD5 \(md5 ?? ""), not \(wanted)")
        }
        return nil
    }

    private func load(_ location: ImageLocation) async -> Result<FetchedBody, FetchFailure> {
        switch location {
        case .url(let url): await fetcher.fetch(url)
        case .stored(let path, let folders): stored(path, in: folders)
        case .bytes(let bytes) where bytes.count > maxBytes:
            .failure(FetchFailure(Rejection(.tooLarge, "more than \(maxBytes) bytes")))
        case .bytes(let bytes): .success(FetchedBody(bytes: bytes, httpStatus: 0, finalURL: ""))
        }
    }

    /// An image on disk, under the same limit as a body from the web.
    private func stored(_ path: String, in folders: [String]) -> Result<FetchedBody, FetchFailure> {
        do throws(ArchiveError) {
            guard let bytes = try roots.read(path, in: folders, byteLimit: maxBytes) else {
                return .failure(FetchFailure(Rejection(.downloadError, "no such file in image_root")))
            }
            return .success(FetchedBody(bytes: bytes, httpStatus: 0, finalURL: ""))
        } catch {
            let reason: Rejection.Reason = error.code == .tooLarge ? .tooLarge : .downloadError
            return .failure(FetchFailure(Rejection(reason, error.detail)))
        }
    }

    private func prepare(_ bytes: [UInt8], _ record: SampleRecord) -> SampleRecord {
        var record = record
        do throws(ImageError) {
            let header = try readHeader(bytes)
            record.original = header.orientedSize
            if let rejection = filtered(header.orientedSize) { return record.rejected(rejection) }
            let plan = ResizePlan(header.orientedSize, mode: image.mode, size: image.size)
            let unchanged =
                image.keepsBytes(header, plan)
                ? StoredImage(bytes: bytes, fileExtension: header.format.fileExtension, size: header.orientedSize)
                : nil
            // Bytes that are kept and that nobody looks at are decoded as small as possible, to know that they can be.
            let isSeen = unchanged == nil || views != nil || hashesLooks
            let target = isSeen ? plan.scaled : Size(width: 1, height: 1)
            let decoded = try decode(bytes, header: header, covering: target, maxPixels: image.maxPixels)
            record.image = unchanged
            guard isSeen else { return record }
            let pixels = resize(decoded, plan)
            if unchanged == nil { record.image = try encode(pixels) }
            if hashesLooks { record.perceptualHash = perceptualHash(pixels) }
            if let views {
                record.views =
                    views.areMadeByModels
                    ? .source(pixels)
                    : .made(
                        captioner: squashed(pixels, side: views.captioner).rgb,
                        ranker: shortestSideCropped(pixels, side: views.ranker).rgb)
            }
            return record
        } catch {
            return record.rejected(error.rejection)
        }
    }

    private func encode(_ pixels: PixelImage) throws(ImageError) -> StoredImage {
        switch image.format {
        case .jpeg, .original:
            StoredImage(
                bytes: try encodeJPEG(pixels, quality: image.quality), fileExtension: "jpg", size: pixels.size)
        case .webp:
            StoredImage(
                bytes: try encodeWebP(pixels, quality: image.quality), fileExtension: "webp", size: pixels.size)
        }
    }

    /// Why an image of `size` is not taken; nil when it is.
    private func filtered(_ size: Size) -> Rejection? {
        let (shorter, longer) = (min(size.width, size.height), max(size.width, size.height))
        if size.width * size.height > image.maxPixels {
            return Rejection(.tooManyPixels, "\(size.width)x\(size.height), more than \(image.maxPixels) pixels")
        }
        if shorter < image.minSide {
            return Rejection(.tooSmall, "\(size.width)x\(size.height), a side under \(image.minSide)")
        }
        if image.maxAspectRatio > 0, Double(longer) > image.maxAspectRatio * Double(shorter) {
            return Rejection(.aspectRatio, "\(size.width)x\(size.height), sides over 1:\(image.maxAspectRatio)")
        }
        return nil
    }
}

extension Manifest.Image {
    fileprivate var mode: ResizeMode {
        switch resize {
        case .shortestSide: .shortestSide
        case .longestSide: .longestSide
        case .centerCrop: .centerCrop
        case .pad: .pad
        case .none: .none
        }
    }

    /// Whether the bytes can be stored as they came: asked for, and nothing has to change.
    fileprivate func keepsBytes(_ header: ImageHeader, _ plan: ResizePlan) -> Bool {
        format == .original && plan.isIdentity && header.orientation == 1 && header.format != .gif
    }
}

extension FetchPolicy {
    /// The policy that `manifest` describes.
    package init(_ manifest: Manifest) {
        self.init(userAgent: manifest.fetch.userAgent)
        timeout = .seconds(manifest.fetch.timeout)
        retries = manifest.fetch.retries
        maxBytes = manifest.fetch.maxBytes
        honourOptOut = manifest.fetch.honourOptOut
        allowPrivateAddresses = manifest.fetch.allowPrivateAddresses
        placeholders = manifest.fetch.placeholders
    }
}
