import Files

/// Makes the finished file `partial` visible as `final` in one step: a reader sees all of it or none.
///
/// Both are on the same file system. What was there under the name `final` is replaced.
///
/// - Throws: `system` where the file cannot be synced or renamed; `final` is then as it was, or whole.
public func publish(_ partial: String, as final: String) throws(ShardError) {
    do {
        try publishFile(partial, as: final)
    } catch {
        throw ShardError(.system, error.path, "\(error.step.rawValue): \(error.reason)", number: error.number)
    }
}
