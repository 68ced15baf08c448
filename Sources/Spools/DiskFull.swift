import Glibc

/// Whether `error`, from whichever library, says that there is no room on a disk, or none that may be used.
package func isDiskFull(_ error: any Error) -> Bool {
    if let error = error as? SpoolError { return [ENOSPC, EDQUOT].contains(error.errno) }
    return [ENOSPC, EDQUOT].contains { "\(error)".contains(String(cString: strerror($0))) }
}
