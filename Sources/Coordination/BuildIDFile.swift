import Files
import Foundation

// The file in an output that says which build it is of: its state may lie in a store of many builds.
extension BuildID {
    /// The name that stands in the file `path`.
    ///
    /// Throws `olderSchema` where there is no such file, which earlier versions did not write.
    package init(contentsOfFile path: String) throws(CoordinationError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CoordinationError(
                .olderSchema, path, "no such file: the output is of an earlier version, or was not copied whole")
        }
        guard let id = BuildID(String(decoding: data, as: UTF8.self).trimmingCharacters(in: .newlines)) else {
            throw CoordinationError(.store, path, "not the name of a build, which is 16 hexadecimal digits")
        }
        self = id
    }

    /// The name that stands in the file `path`; where there is none, a new one, which is written there durably.
    ///
    /// For a time when other builds are kept out.
    package static func drawn(inFile path: String) throws(CoordinationError) -> BuildID {
        if FileManager.default.fileExists(atPath: path) { return try BuildID(contentsOfFile: path) }
        let id = BuildID.random()
        do {
            try writeFile("\(id)\n".utf8, to: path)
        } catch {
            throw CoordinationError(.store, path, "cannot be written: \(error)", number: error.number)
        }
        return id
    }
}
