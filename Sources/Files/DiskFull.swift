import Glibc

/// An error that the system gave a number.
package protocol SystemFault: Error {
    /// Such as `ENOSPC`; 0 where the system said nothing.
    var number: Int32 { get }
}

/// Whether `error`, of whichever module, says that there is no room on a disk, or none that may be used.
package func isDiskFull(_ error: any Error) -> Bool {
    [ENOSPC, EDQUOT].contains((error as? any SystemFault)?.number)
}
