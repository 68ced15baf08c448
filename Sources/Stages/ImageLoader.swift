import Archives
import Fetching
import Files
import Samples
import SourceAdapters

/// Gets the bytes of an image from wherever its row says it is, under one limit.
struct ImageLoader: Sendable {
    let fetcher: any Fetcher
    let roots: ImageRoots
    let maxBytes: Int

    /// The bytes at `location`, with what the server said where there is one; or why there are none.
    ///
    /// - Throws: An `ArchiveError` where the disk or the memory is to blame: the row is as good as it was.
    func load(
        _ location: ImageLocation, _ ticket: RowTicket
    ) async throws(ArchiveError) -> Result<FetchedBody, FetchFailure> {
        switch location {
        case .url(let url): await fetcher.fetch(url, observer: ticket)
        case .stored(let path, let folders): try await stored(path, in: folders, ticket)
        case .bytes(let bytes) where bytes.count > maxBytes:
            .failure(FetchFailure(Rejection(.tooLarge, "more than \(maxBytes) bytes")))
        case .bytes(let bytes): .success(FetchedBody(bytes: bytes, httpStatus: 0, finalURL: ""))
        }
    }

    private func stored(
        _ path: String, in folders: [String], _ ticket: RowTicket
    ) async throws(ArchiveError) -> Result<FetchedBody, FetchFailure> {
        do {
            try await ticket.reserve(byteLimit: maxBytes)
        } catch {
            return .failure(FetchFailure(Rejection(.downloadError, "cancelled")))  // with its unit: nobody reads this
        }
        let result = try await blocking { () throws(ArchiveError) in try read(path, in: folders) }
        ticket.received(byteCount: 0)
        return result
    }

    private func read(
        _ path: String, in folders: [String]
    ) throws(ArchiveError) -> Result<FetchedBody, FetchFailure> {
        do throws(ArchiveError) {
            guard let bytes = try roots.read(path, in: folders, byteLimit: maxBytes) else {
                return .failure(FetchFailure(Rejection(.downloadError, "no such file in image_root")))
            }
            return .success(FetchedBody(bytes: bytes, httpStatus: 0, finalURL: ""))
        } catch {
            if error.isOfSystem { throw error }
            let reason: Rejection.Reason = error.code == .tooLarge ? .tooLarge : .downloadError
            return .failure(FetchFailure(Rejection(reason, error.detail)))
        }
    }
}
