package import Archives
import Digests
package import Fetching
import Images
package import Manifests
import Samples
import SourceAdapters

/// From a row of a list to the image that is stored: load, check, read the header, decode, resize, encode.
package struct ImageStage: Sendable {
    private let image: Manifest.Image
    private let verifiesDigests: Bool
    private let hashesLooks: Bool
    private let loader: ImageLoader
    private let excluded: DigestList
    private let watch: any CrashWatch
    private let needsCaption: Bool

    /// `excluded` are the bytes that must not be kept; with `needsCaption`, a row without one of its own is left out.
    package init(
        manifest: Manifest, fetcher: any Fetcher, roots: ImageRoots = ImageRoots(),
        excluded: DigestList = DigestList(), watch: any CrashWatch = NoCrashWatch(), needsCaption: Bool = false
    ) {
        self.image = manifest.image
        self.verifiesDigests = manifest.fetch.verifyDigests
        self.hashesLooks = manifest.deduplicate.perceptual != nil
        self.loader = ImageLoader(fetcher: fetcher, roots: roots, maxBytes: manifest.fetch.maxBytes)
        self.excluded = excluded
        self.watch = watch
        self.needsCaption = needsCaption
    }

    /// What becomes of the image at `url`, which is in no list.
    package func run(url: String) async throws -> PreparedRow {
        let row = SourceRow(id: SampleID(source: "url", row: 0), sourceID: "", location: .url(url), captions: [])
        let gate = RowGate(.init(rows: 1, byteCount: .max))
        return try await run(row, url: url, RowTicket(gate, UnitProgress()))
    }

    /// The row of `listed`; or why it is left out whatever its image is.
    func judge(_ listed: ListedRow) -> Result<SourceRow, LeftOutRow> {
        switch listed.outcome {
        case .rejected(let rejection):
            let origin = RowOrigin(id: listed.id, sourceID: "", url: listed.url, given: [])
            return .failure(leftOut(origin, rejection, KnownFacts()))
        case .kept(let row):
            guard let rejection = watch.rejection(of: row.id) ?? missingCaption(row) else { return .success(row) }
            return .failure(leftOut(RowOrigin(row, url: listed.url), rejection, KnownFacts()))
        }
    }

    private func missingCaption(_ row: SourceRow) -> Rejection? {
        guard needsCaption, RowCaptions(given: row.captions) == nil else { return nil }
        return Rejection(.badRow, "no caption: the list has none, and none is generated")
    }

    /// What becomes of `row`, which was let in with `ticket`.
    ///
    /// A bad row is a value, made here of whatever step left it out. What a shard keeps is the URL as the list says it:
    /// where an image lies on this machine is not.
    ///
    /// - Throws: An `ArchiveError` or `ImageError` where the disk or the memory is to blame, so that the unit is tried again.
    func run(_ row: SourceRow, url: String, _ ticket: RowTicket) async throws -> PreparedRow {
        try prepare(row, RowOrigin(row, url: url), await loader.load(row.location, ticket), ticket)
    }

    /// What becomes of `row`, of which `loaded` came.
    ///
    /// Not inlined: thousands of rows wait to be loaded, and what is only needed afterwards would wait with each.
    @inline(never)
    private func prepare(
        _ row: SourceRow, _ origin: RowOrigin, _ loaded: Result<FetchedBody, FetchFailure>, _ ticket: RowTicket
    ) throws -> PreparedRow {
        var known = KnownFacts()
        do throws(Stop) {
            let bytes = try take(loaded, &known)
            ticket.fetched(byteCount: bytes.count)
            let sha256 = try check(bytes, row, &known)
            let result = watch.working(on: row.id) {
                Result { () throws(Stop) in try encode(bytes, row, ticket, &known) }
            }
            let (original, image, hash) = try result.get()
            ticket.hold(image.bytes.count)
            return .encoded(
                EncodedRow(
                    origin: origin, answer: known.answer, fetchedByteCount: known.byteCount, sha256: sha256,
                    original: original, image: image, perceptualHash: hash))
        } catch {
            switch error {
            case .leftOut(let rejection): return .leftOut(leftOut(origin, rejection, known))
            case .fault(let error): throw error
            }
        }
    }

    /// Why a row goes no further.
    private enum Stop: Error {
        case leftOut(Rejection)
        /// The row is not to blame.
        case fault(ImageError)

        static func leftOut(_ reason: Rejection.Reason, _ message: String) -> Stop {
            .leftOut(Rejection(reason, message))
        }
    }

    /// The row `origin`, of which `known` is known; of bytes that must not be kept nothing is said, nor where they are.
    private func leftOut(_ origin: RowOrigin, _ rejection: Rejection, _ known: KnownFacts) -> LeftOutRow {
        guard rejection.reason != .excludedDigest else {
            return LeftOutRow(RowOrigin(id: origin.id, sourceID: "", url: "", given: []), rejection)
        }
        return LeftOutRow(
            origin, rejection, answer: known.answer, fetchedByteCount: known.byteCount, sha256: known.sha256,
            original: known.original)
    }

    /// What the steps have found out about a row.
    private struct KnownFacts {
        var answer = FetchAnswer()
        var byteCount = 0
        var sha256: ContentDigest?
        var original: Size?
    }

    /// The bytes that were loaded.
    private func take(
        _ loaded: Result<FetchedBody, FetchFailure>, _ known: inout KnownFacts
    ) throws(Stop) -> [UInt8] {
        switch loaded {
        case .success(let body):
            known.answer.httpStatus = body.httpStatus == 0 ? nil : body.httpStatus
            known.answer.finalURL = body.finalURL.isEmpty ? nil : body.finalURL
            return body.bytes
        case .failure(let failure):
            known.answer = FetchAnswer(httpStatus: failure.httpStatus, finalURL: failure.finalURL)
            throw .leftOut(failure.rejection)
        }
    }

    /// The digest of the bytes as they were fetched, if they may be kept and are those that the list means.
    private func check(
        _ bytes: [UInt8], _ row: SourceRow, _ known: inout KnownFacts
    ) throws(Stop) -> ContentDigest {
        if let earlier = row.earlier {
            if excluded.contains(sha256: earlier.sha256.hex, md5: nil) { throw .leftOut(.excludedDigest, "") }
            (known.byteCount, known.sha256) = (bytes.count, earlier.sha256)
            return earlier.sha256
        }
        let needsMD5 = excluded.hasMD5 || verifiesDigests && row.facts.md5 != nil
        let (sha256, md5) = (digest(of: bytes), needsMD5 ? Digests.md5(of: bytes) : nil)
        if excluded.contains(sha256: sha256.hex, md5: md5) { throw .leftOut(.excludedDigest, "") }
        (known.byteCount, known.sha256) = (bytes.count, sha256)
        guard verifiesDigests else { return sha256 }
        if let fault = row.facts.unreadable[.sha256] ?? row.facts.unreadable[.md5] {
            throw .leftOut(.badRow, "\(fault), which fetch.verify_digests compares")
        }
        if let wanted = row.facts.sha256, wanted != sha256.hex {
            throw .leftOut(.digestMismatch, "SHA-256 \(sha256.hex), not \(wanted)")
        }
        if let wanted = row.facts.md5, wanted != md5 {
            throw .leftOut(.digestMismatch, "MD5 \(md5 ?? ""), not \(wanted)")
        }
        return sha256
    }

    /// The steps from bytes to the image that is stored.
    private func encode(
        _ bytes: [UInt8], _ row: SourceRow, _ ticket: RowTicket, _ known: inout KnownFacts
    ) throws(Stop) -> (original: Size, image: StoredImage, hash: UInt64?) {
        let header = try coding { () throws(ImageError) in try readHeader(bytes) }
        let size = header.orientedSize
        let original = row.earlier.map { Size(width: $0.width, height: $0.height) } ?? size
        known.original = original
        if let rejection = image.judgePixels(size) ?? image.judgeSides(original) { throw .leftOut(rejection) }
        let plan = ResizePlan(size, mode: image.mode, size: image.size)
        let unchanged =
            image.keepsBytes(header, plan, wereStored: row.earlier != nil)
            ? StoredImage(bytes: bytes, fileExtension: header.format.fileExtension, size: size) : nil
        // Bytes that are kept and whose look nobody asks for are decoded as small as possible, to know that they can be.
        let isSeen = unchanged == nil || hashesLooks
        let target = isSeen ? plan.scaled : Size(width: 1, height: 1)
        let decoded = try coding { () throws(ImageError) in
            try decodeReduced(bytes, header: header, covering: target, maxPixels: image.maxPixels)
        }
        if let unchanged, !isSeen { return (original, unchanged, nil) }
        ticket.hold(bytes.count + decoded.pixels.rgb.count)
        let pixels = resize(decoded, plan)
        let stored = try coding { () throws(ImageError) in
            if let unchanged { unchanged } else { try image.encoded(pixels) }
        }
        return (original, stored, hashesLooks ? perceptualHash(pixels) : nil)
    }

    private func coding<Value>(_ body: () throws(ImageError) -> Value) throws(Stop) -> Value {
        do { return try body() } catch { throw error.rejection.map(Stop.leftOut) ?? .fault(error) }
    }
}

extension RowOrigin {
    fileprivate init(_ row: SourceRow, url: String) {
        self.init(id: row.id, sourceID: row.sourceID, url: url, given: row.captions)
    }
}
