package import Files
import Foundation

/// The file that leads workers to the coordinator of a build, and says so when they need not come any more.
package struct AddressFile: Sendable {
    /// What the file says.
    enum Content: Hashable {
        case address(String)
        /// Nothing is left to do.
        case finished
    }

    private static let finished = "finished"

    let path: String

    package init(_ path: String) { self.path = path }

    /// Writes `url`, at which the coordinator is.
    package func announce(_ url: String) throws(FileError) { try writeFile("\(url)\n".utf8, to: path) }

    /// Writes that nothing is left to do.
    package func finish() throws(FileError) { try writeFile("\(Self.finished)\n".utf8, to: path) }

    /// Removes the file if it has `url`: another coordinator may have written its own.
    package func withdraw(_ url: String) { remove(if: .address(Self.trimmed(url))) }

    /// Removes the file if it says that a former coordinator finished its work: there may be more.
    package func reopen() { remove(if: .finished) }

    private func remove(if content: Content) {
        if (try? read()) == content { unsafe unlink(path) }  // one that cannot be read says nothing
    }

    func read() throws(TransportError) -> Content {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw TransportError(.unreachable, path, "no such file, or permission denied")
        }
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        if text == Self.finished { return .finished }
        guard text.hasPrefix("http://") || text.hasPrefix("https://"), !text.contains(where: \.isWhitespace) else {
            throw TransportError(.unreachable, path, "does not hold a coordinator's address")
        }
        return .address(Self.trimmed(text))
    }

    /// `url` as paths are appended to it.
    static func trimmed(_ url: String) -> String { url.hasSuffix("/") ? String(url.dropLast()) : url }
}
