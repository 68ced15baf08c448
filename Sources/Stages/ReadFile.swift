import Fetching
import Foundation
import Samples

/// The bytes of an image on disk, under the same limit as a body from the web.
func readFile(_ path: String, byteLimit: Int) -> Result<FetchedBody, FetchFailure> {
    guard let handle = FileHandle(forReadingAtPath: path) else {
        return .failure(FetchFailure(Rejection(.downloadError, "no such file, or no right to read it")))
    }
    defer { try? handle.close() }  // read only: nothing can be lost
    do {
        let data = try handle.read(upToCount: byteLimit + 1) ?? Data()
        guard data.count <= byteLimit else {
            return .failure(FetchFailure(Rejection(.tooLarge, "more than \(byteLimit) bytes")))
        }
        return .success(FetchedBody(bytes: Array(data), httpStatus: 0, finalURL: ""))
    } catch {
        return .failure(FetchFailure(Rejection(.downloadError, error.localizedDescription)))
    }
}
