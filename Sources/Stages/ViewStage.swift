package import Images
import Samples

/// The image as the two models take it: RGB8, square.
struct ModelViews: Sendable {
    let captioner: [UInt8]
    let ranker: [UInt8]
}

/// From a stored image to what the models see of it: decoded in full from the bytes that the shard will have, so that
/// whoever reads the shard can make the same captions again.
package struct ViewStage: Sendable {
    private let captioner: ImageView
    private let ranker: ImageView

    /// The views that the two models take.
    package init(captioner: ImageView, ranker: ImageView) {
        self.captioner = captioner
        self.ranker = ranker
    }

    /// The views of `row`, on which no worker crashed before; `hold` is told how many bytes are taken meanwhile.
    ///
    /// - Throws: Where there is no memory, which is no fault of the row.
    func look(at row: EncodedRow, _ watch: any CrashWatch, hold: (Int) -> Void) throws(ImageError) -> Outcome<
        ModelViews
    > {
        if let rejection = watch.rejection(of: row.origin.id) { return .rejected(rejection) }
        let bytes = row.image.bytes
        let byteCount = bytes.count + row.image.size.width * row.image.size.height * 3
        hold(byteCount)
        defer { hold(-byteCount) }
        let views = watch.working(on: row.origin.id) {
            Result { () throws(ImageError) in
                let pixels = try decode(bytes, maxPixels: .max)
                return ModelViews(captioner: captioner(pixels).rgb, ranker: ranker(pixels).rgb)
            }
        }
        do {
            return .kept(try views.get())
        } catch {
            guard let rejection = error.rejection else { throw error }
            return .rejected(rejection)
        }
    }
}

extension CrashWatch {
    /// Why the row `id` is left out without being looked at; nil where no worker crashed on it.
    func rejection(of id: SampleID) -> Rejection? {
        crash(of: id).map { Rejection(.decodeError, "a decoder crashed on its bytes, by signal \($0)") }
    }
}
