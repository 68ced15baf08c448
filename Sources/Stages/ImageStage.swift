package import Archives
import Digests
package import Fetching
import Images
package import Manifests
import Samples
import SourceAdapters

/// From a row of a list to the image that is stored: load, check, read the header, decode, resize, encode.
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
    private let verifiesDigests: Bool
    private let hashesLooks: Bool
    private let loader: ImageLoader
    private let excluded: DigestList
    private let watch: any CrashWatch
    private let views: ViewSides?

    /// `views` is nil where no model looks at the images; `excluded` are the bytes that must not be kept.
    package init(
        manifest: Manifest, fetcher: any Fetcher, roots: ImageRoots = ImageRoots(),
        excluded: DigestList = DigestList(), watch: any CrashWatch = NoCrashWatch(), views: ViewSides?
    ) {
        self.image = manifest.image
        self.verifiesDigests = manifest.fetch.verifyDigests
        self.hashesLooks = manifest.deduplicate.perceptual != nil
        self.loader = ImageLoader(fetcher: fetcher, roots: roots, maxBytes: manifest.fetch.maxBytes)
        self.excluded = excluded
        self.watch = watch
        self.views = views
    }

    /// What becomes of the image at `url`, which is in no list.
    package func run(url: String) async -> PreparedRow {
        let row = SourceRow(id: SampleID(source: "url", row: 0), sourceID: "", location: .url(url), captions: [])
        let listed = ListedRow(id: row.id, url: url, outcome: .kept(row))
        return await run(listed, ByteBudget.Share(of: ByteBudget(limit: 1))).row
    }

    /// What becomes of `listed`, with the views of a row that is kept; the bytes as fetched count against `share` until
    /// they are decoded.
    ///
    /// Never throws: a bad row is a value, made here of whatever step left it out. What a shard keeps is the URL as the
    /// list says it: where an image lies on this machine is not.
    func run(_ listed: ListedRow, _ share: ByteBudget.Share) async -> (row: PreparedRow, views: ModelViews?) {
        var origin = RowOrigin(id: listed.id, sourceID: "", url: listed.url, given: [])
        var known = KnownFacts()
        do throws(LeftOut) {
            let row = try row(of: listed)
            origin = RowOrigin(id: row.id, sourceID: row.sourceID, url: listed.url, given: row.captions)
            let bytes = try await load(row.location, &known)
            share.take(bytes.count)
            defer { share.take(-bytes.count) }
            let sha256 = try check(bytes, row, &known)
            let result = watch.working(on: row.id) {
                Result { () throws(LeftOut) in try encode(bytes, &known) }
            }
            let (original, image, hash, views) = try result.get()
            let encoded = EncodedRow(
                origin: origin, answer: known.answer, fetchedByteCount: known.byteCount, sha256: sha256,
                original: original, image: image, perceptualHash: hash)
            return (.encoded(encoded), views)
        } catch {
            // Of bytes that must not be kept nothing is said, nor where they are.
            if error.rejection.reason == .excludedDigest {
                return (
                    .leftOut(LeftOutRow(RowOrigin(id: listed.id, sourceID: "", url: "", given: []), error.rejection)),
                    nil
                )
            }
            let row = LeftOutRow(
                origin, error.rejection, answer: known.answer, fetchedByteCount: known.byteCount,
                sha256: known.sha256, original: known.original)
            return (.leftOut(row), nil)
        }
    }

    /// The end of a row's way: why it is left out.
    private struct LeftOut: Error {
        let rejection: Rejection
        init(_ rejection: Rejection) { self.rejection = rejection }
        init(_ reason: Rejection.Reason, _ message: String) { rejection = Rejection(reason, message) }
    }

    /// What the steps have found out about a row.
    private struct KnownFacts {
        var answer = FetchAnswer()
        var byteCount = 0
        var sha256: ContentDigest?
        var original: Size?
    }

    /// The row, if its list takes it and no worker crashed on it.
    private func row(of listed: ListedRow) throws(LeftOut) -> SourceRow {
        switch listed.outcome {
        case .rejected(let rejection): throw LeftOut(rejection)
        case .kept(let row):
            guard let signal = watch.crash(of: row.id) else { return row }
            throw LeftOut(.decodeError, "a decoder crashed on its bytes, by signal \(signal)")
        }
    }

    private func load(_ location: ImageLocation, _ known: inout KnownFacts) async throws(LeftOut) -> [UInt8] {
        switch await loader.load(location) {
        case .success(let body):
            known.answer.httpStatus = body.httpStatus == 0 ? nil : body.httpStatus
            known.answer.finalURL = body.finalURL.isEmpty ? nil : body.finalURL
            return body.bytes
        case .failure(let failure):
            known.answer = FetchAnswer(httpStatus: failure.httpStatus, finalURL: failure.finalURL)
            throw LeftOut(failure.rejection)
        }
    }

    /// The digest of `bytes`, if they may be kept and are those that the list means.
    private func check(
        _ bytes: [UInt8], _ row: SourceRow, _ known: inout KnownFacts
    ) throws(LeftOut) -> ContentDigest {
        let needsMD5 = excluded.hasMD5 || verifiesDigests && row.facts.md5 != nil
        let (sha256, md5) = (digest(of: bytes), needsMD5 ? Digests.md5(of: bytes) : nil)
        if excluded.contains(sha256: sha256.hex, md5: md5) { throw LeftOut(.excludedDigest, "") }
        (known.byteCount, known.sha256) = (bytes.count, sha256)
        guard verifiesDigests else { return sha256 }
        if let wanted = row.facts.sha256, wanted != sha256.hex {
            throw LeftOut(.digestMismatch, "SHA-256 \(sha256.hex), not \(wanted)")
        }
        if let wanted = row.facts.md5, wanted != md5 {
            throw LeftOut(.digestMismatch, "MD5 \(md5 ?? ""), not \(wanted)")
        }
        return sha256
    }

    /// The steps from bytes to the image that is stored.
    private func encode(
        _ bytes: [UInt8], _ known: inout KnownFacts
    ) throws(LeftOut) -> (original: Size, image: StoredImage, hash: UInt64?, views: ModelViews?) {
        let header = try coding { () throws(ImageError) in try readHeader(bytes) }
        let size = header.orientedSize
        known.original = size
        if let rejection = image.judge(size) { throw LeftOut(rejection) }
        let plan = ResizePlan(size, mode: image.mode, size: image.size)
        let unchanged =
            image.keepsBytes(header, plan)
            ? StoredImage(bytes: bytes, fileExtension: header.format.fileExtension, size: size) : nil
        // Bytes that are kept and that nobody looks at are decoded as small as possible, to know that they can be.
        let isSeen = unchanged == nil || views != nil || hashesLooks
        let target = isSeen ? plan.scaled : Size(width: 1, height: 1)
        let decoded = try coding { () throws(ImageError) in
            try decode(bytes, header: header, covering: target, maxPixels: image.maxPixels)
        }
        if let unchanged, !isSeen { return (size, unchanged, nil, nil) }
        let pixels = resize(decoded, plan)
        let stored = try coding { () throws(ImageError) in
            if let unchanged { unchanged } else { try image.encoded(pixels) }
        }
        return (size, stored, hashesLooks ? perceptualHash(pixels) : nil, views?.views(of: pixels))
    }

    private func coding<Value>(_ body: () throws(ImageError) -> Value) throws(LeftOut) -> Value {
        do { return try body() } catch { throw LeftOut(error.rejection) }
    }
}

extension ImageStage.ViewSides {
    fileprivate func views(of pixels: PixelImage) -> ModelViews {
        guard !areMadeByModels else { return .source(pixels) }
        return .made(
            captioner: squashed(pixels, side: captioner).rgb, ranker: shortestSideCropped(pixels, side: ranker).rgb)
    }
}
