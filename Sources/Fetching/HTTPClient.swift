import Samples

/// An answer to a request of `HTTPClient`, whatever its status.
package struct HTTPResponse: Sendable {
    /// The status, 200...599.
    package let status: Int
    /// The headers in the order they came, names in lower case.
    package let headers: [(name: String, value: String)]
    /// The body, its content encoding undone.
    package let body: [UInt8]
}

/// A small client for a service that is trusted, such as a coordinator: any address, no redirects, no retries.
///
/// It has a thread and connections of its own, so a fetched URL never travels on a connection that was allowed here.
package final class HTTPClient: Sendable {
    private let loop: TransferLoop

    /// A client that calls itself `userAgent`, with at most `connections` requests at once; others wait.
    package init(userAgent: String, connections: Int = 8) {
        loop = TransferLoop(
            Frontier.Limits(slots: connections, perHost: connections, adapts: false), userAgent: userAgent)
    }

    deinit { loop.close() }

    /// Ends what is under way and the thread; later requests fail.
    package func close() { loop.close() }

    /// Sends `body` to `url` and gives the answer, of whatever status.
    ///
    /// `timeout` is for the whole exchange, `maxBytes` for the answer's body. Throws `bad_row` for an unusable request,
    /// `timeout`, `too_large`, and `download_error` for all other faults.
    package func request(
        _ method: String, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil,
        signature: RequestSignature? = nil, timeout: Duration = .seconds(30), maxBytes: Int = 64 << 20
    ) async throws(FetchFailure) -> HTTPResponse {
        let address: WebAddress
        do throws(WebAddress.Fault) {
            address = try WebAddress(url)
        } catch {
            throw FetchFailure(Rejection(.badRow, "not a URL of a service: \(url)"))
        }
        let sent = body ?? (method == "GET" ? nil : [])
        // An empty line for `Expect` keeps libcurl from asking before it sends a body; it would be signed, and not sent.
        let lines = headers.map { "\($0.name): \($0.value)" } + (sent == nil ? [] : ["Expect:"])
        guard (lines + [method]).allSatisfy({ $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } }) else {
            throw FetchFailure(Rejection(.badRow, "control character in a request header"))
        }
        let answer = await loop.run(
            ExchangeRequest(
                method: method, url: "\(address)", origin: address.origin, headers: lines, body: sent,
                signature: signature, timeout: timeout, maxBytes: maxBytes, maxHeaderBytes: 65_536,
                bodyUse: { _ in .take }, judge: { _, _ in .allowed }))
        if let failure = Self.failure(answer, limit: maxBytes, timeout: timeout, url: "\(address)") { throw failure }
        return HTTPResponse(status: answer.head.status, headers: answer.head.all, body: answer.body)
    }

    private static func failure(
        _ answer: ExchangeAnswer, limit: Int, timeout: Duration, url: String
    ) -> FetchFailure? {
        let rejection: Rejection
        switch answer.ending {
        case .complete: return nil
        case .timedOut: rejection = Rejection(.timeout, "no complete answer in \(timeout)")
        case .bodyTooLong: rejection = Rejection(.tooLarge, "body over \(limit) bytes")
        case .undecodable: rejection = Rejection(.downloadError, "broken content encoding")
        case .headTooLong, .headOnly: rejection = Rejection(.downloadError, "response head too long")
        case .failed(_, let why), .blocked(let why): rejection = Rejection(.downloadError, why)
        case .givenUp(let fault): rejection = fault.rejection
        case .cancelled: rejection = Rejection(.downloadError, "cancelled")
        case .closed: rejection = Rejection(.downloadError, "the client is closed")
        }
        return FetchFailure(rejection, httpStatus: answer.head.status == 0 ? nil : answer.head.status, finalURL: url)
    }
}
