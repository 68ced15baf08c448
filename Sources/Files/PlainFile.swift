import Glibc

/// A file that cannot be opened for reading.
package struct UnreadableFile: Error, Hashable, CustomStringConvertible {
    package let path: String
    /// The system's number for the fault, such as `ENOENT`; 0 for what is not a plain file.
    package let number: Int32

    /// What a person calls it.
    package var reason: String {
        switch number {
        case 0: "not a plain file"
        case ENOENT: "no such file"
        case EACCES: "permission denied"
        default: String(cString: strerror(number))
        }
    }

    /// One line for a person.
    package var description: String { "\(path): \(reason)" }
}

/// A descriptor of the plain file `path`, open for reading, which the caller closes.
///
/// A pipe or a device is refused, and never makes it wait.
package func openPlainFile(_ path: String) throws(UnreadableFile) -> Int32 {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else { throw UnreadableFile(path: path, number: errno) }
    var status = stat()
    let isKnown = fstat(descriptor, &status) == 0
    guard isKnown, status.st_mode & S_IFMT == S_IFREG else {
        let number = isKnown ? 0 : errno
        close(descriptor)
        throw UnreadableFile(path: path, number: number)
    }
    return descriptor
}
