import Files
import Foundation

/// The secret that a worker shows to the coordinator.
package struct AccessToken: Sendable {
    /// What goes behind `Bearer`; printable ASCII without spaces.
    let secret: String

    /// A new token of 256 random bits.
    package init() {
        var generator = SystemRandomNumberGenerator()
        secret = (0..<4).map { _ in
            let digits = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// The token in the file `path`; white space around it does not count.
    package init(contentsOfFile path: String) throws(TransportError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw TransportError(.token, path, "no such file, or permission denied")
        }
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.utf8.count >= 16, text.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw TransportError(.token, path, "a token has 16 or more printable characters and no space")
        }
        secret = text
    }

    /// The token in the file `path`; a new one, written there, where there is no such file.
    package init(keptInFile path: String) throws(TransportError) {
        if FileManager.default.fileExists(atPath: path) {
            try self.init(contentsOfFile: path)
        } else {
            self.init()
            try write(to: path)
        }
    }

    /// Writes the token into the file `path`, which nobody else may read; a reader sees it whole.
    package func write(to path: String) throws(TransportError) {
        let partial = path + ".partial"
        unsafe unlink(partial)  // an older one may be open to others
        let descriptor = unsafe open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw TransportError(.token, path, unsafe String(cString: strerror(errno))) }
        do {
            let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            try handle.write(contentsOf: Data("\(secret)\n".utf8))
            try handle.close()
            try publishFile(partial, as: path)
        } catch {
            throw TransportError(.token, path, "\((error as? FileError)?.reason ?? error.localizedDescription)")
        }
    }

    /// Whether `header` is `Bearer` with this token; takes the same time wherever the difference is.
    func admits(_ header: String?) -> Bool {
        let (given, wanted) = (Array((header ?? "").utf8), Array("Bearer \(secret)".utf8))
        var difference = UInt8(given.count == wanted.count ? 0 : 1)
        for index in wanted.indices {
            difference |= wanted[index] ^ (given.isEmpty ? 0 : given[index % given.count])
        }
        return difference == 0
    }
}
