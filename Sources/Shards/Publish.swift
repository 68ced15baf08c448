import Glibc

/// Makes the finished file `partial` visible as `final` in one step: a reader sees all of it or none.
///
/// Both are on the same file system. What was there under the name `final` is replaced.
///
/// - Throws: `system` where the file cannot be synced or renamed; `final` is then as it was, or whole.
public func publish(_ partial: String, as final: String) throws(ShardError) {
    try sync(partial)
    guard rename(partial, final) == 0 else { throw systemError(final, "rename") }
    try sync(folder(of: final))  // the name itself must survive a power cut
}

private func sync(_ path: String) throws(ShardError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw systemError(path, "open") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw systemError(path, "sync") }
}

private func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
