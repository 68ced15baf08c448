package import Samples

/// Gets the bytes behind a URL.
package protocol Fetcher: Sendable {
    /// The body of `url`, whole, or why there is none.
    ///
    /// It may take long: a row whose host is in trouble waits here, and `observer` is told so. A cancelled fetch ends at once
    /// with `download_error`; its caller is cancelled too, and records nothing.
    func fetch(_ url: String, observer: any FetchObserver) async -> Result<FetchedBody, FetchFailure>
}

extension Fetcher {
    /// The body of `url`; nobody watches.
    package func fetch(_ url: String) async -> Result<FetchedBody, FetchFailure> {
        await fetch(url, observer: NoFetchObserver())
    }
}

/// Is told about the progress of one fetch.
///
/// Calls come from any thread, and must return at once.
package protocol FetchObserver: Sendable {
    /// Bytes of an answer came.
    func received(byteCount: Int)
    /// The fetch is put off: nothing is asked of its host before `instant`.
    func putOff(until instant: ContinuousClock.Instant)
    /// The fetch that was put off is under way again.
    func resumed()
}

/// Watches nothing.
package struct NoFetchObserver: FetchObserver {
    package init() {}
    package func received(byteCount: Int) {}
    package func putOff(until instant: ContinuousClock.Instant) {}
    package func resumed() {}
}

/// One of a fetch's attempts, which failed.
package struct FailedAttempt: Sendable, Hashable {
    /// The row's URL, in its plain form.
    package let url: String
    /// From 1 on.
    package let number: Int
    package let failure: FetchFailure
    /// Whether the fetch ends with it.
    package let isLast: Bool
}

/// A body as it came, its content encoding undone.
package struct FetchedBody: Sendable {
    /// The bytes; none where the server sent none.
    package let bytes: [UInt8]
    /// The status of the last answer, 200...299.
    package let httpStatus: Int
    /// The URL that gave the body, after repair and redirects.
    package let finalURL: String

    /// A body that `finalURL` gave with `httpStatus`.
    package init(bytes: [UInt8], httpStatus: Int, finalURL: String) {
        self.bytes = bytes
        self.httpStatus = httpStatus
        self.finalURL = finalURL
    }
}

/// Why there is no body.
///
/// The message depends on the URL and the kind of fault only, never on times or ports, so that it is the same in every
/// run, and holds no text that a server chose.
package struct FetchFailure: Error, Sendable, Hashable {
    /// The class of the fault, and a text for people.
    package let rejection: Rejection
    /// The status of the last answer; nil if there was none.
    package let httpStatus: Int?
    /// The URL that failed, after repair and redirects; nil if the row's URL is unusable.
    package let finalURL: String?

    /// A fault of `finalURL`, which answered with `httpStatus`.
    package init(_ rejection: Rejection, httpStatus: Int? = nil, finalURL: String? = nil) {
        self.rejection = rejection
        self.httpStatus = httpStatus
        self.finalURL = finalURL
    }
}
