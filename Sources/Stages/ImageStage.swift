package import Fetching
package import Images
package import Manifests
import Digests
package import Samples
package import SourceAdapters

/// From a row of a list to the image that is stored: fetch, check, decode, turn upright, resize, encode.
package struct ImageStage: Sendable {
    /// The sides in pixels of the square views that the two models take.
    package struct ViewSides: Sendable {
        package let captioner: Int
        package let ranker: Int
        package init(captioner: Int, ranker: Int) {
            self.captioner = captioner
            self.ranker = ranker
        }
    }

    private let image: Manifest.Image
    private let maxBytes: Int
    private let fetcher: any Fetcher
    private let views: ViewSides?

    /// `views` is nil where no model looks at the images.
    package init(manifest: Manifest, fetcher: any Fetcher, views: ViewSides?) {
        self.image = manifest.image
        self.maxBytes = manifest.fetch.maxBytes
        self.fetcher = fetcher
        self.views = views
    }

    /// The record of `row`: with its image, or with the reason why there is none. Never throws: a bad row is a value.
    package func run(_ row: SourceRow) async -> SampleRecord {
        var record = SampleRecord(id: row.id, sourceID: row.sourceID, url: row.location.text, given: row.captions)
        let bytes: [UInt8]
        switch await load(row.location) {
        case .success(let body):
            record.httpStatus = body.httpStatus
            record.finalURL = body.finalURL
            bytes = body.bytes
        case .failure(let failure):
            record.httpStatus = failure.httpStatus
            record.finalURL = failure.finalURL
            return record.rejected(failure.rejection)
        }
        record.sha256 = digest(of: bytes)
        return prepare(bytes, record)
    }

    private func load(_ location: ImageLocation) async -> Result<LoadedBytes, LoadFailure> {
        switch location {
        case .url(let url):
            return switch await fetcher.fetch(url) {
            case .success(let body):
                .success(LoadedBytes(bytes: body.bytes, httpStatus: body.httpStatus, finalURL: body.finalURL))
            case .failure(let failure):
                .failure(
                    LoadFailure(
                        rejection: failure.rejection, httpStatus: failure.httpStatus, finalURL: failure.finalURL))
            }
        case .file(let path):
            return readFile(path, limit: maxBytes)
        }
    }

    private func prepare(_ bytes: [UInt8], _ record: SampleRecord) -> SampleRecord {
        var record = record
        do throws(ImageError) {
            let header = try readHeader(bytes)
            record.original = header.orientedSize
            if let rejection = filtered(header.orientedSize) { return record.rejected(rejection) }
            let pixels = try decode(header, bytes)
            let stored = resize(pixels, for: image, original: header.orientedSize)
            record.image = try encode(stored, header, bytes)
            record.views = views.map { sides in
                ModelViews(
                    captioner: squashed(stored, side: sides.captioner).rgb,
                    ranker: shortestSideCropped(stored, side: sides.ranker).rgb)
            }
            return record
        } catch {
            return record.rejected(error.rejection)
        }
    }
}
