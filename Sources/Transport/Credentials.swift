/// Who may ask a coordinator for what.
package struct Credentials: Sendable {
    private let workers: AccessToken?
    private let readers: AccessToken?

    /// Without tokens everyone may do everything; without one of its own, reading too wants the workers' token.
    package init(workers: AccessToken?, readers: AccessToken? = nil) {
        (self.workers, self.readers) = (workers, readers)
    }

    /// Whether there is no token at all.
    var areOpen: Bool { workers == nil }

    /// Whether who shows `header` may ask for what wants `access`; both tokens are compared, whichever fits.
    func admit(_ header: String?, to access: Route.Access) -> Bool {
        guard access != .open, let workers else { return true }
        let (isWorker, isReader) = (workers.admits(header), readers?.admits(header) ?? false)
        return isWorker || isReader && access == .read
    }
}
