import CCurl
import Samples

/// What an answer means for a fetch.
enum AnswerReading {
    case body
    /// The value of `Location`.
    case redirect(String)
    case fault(Fault)

    /// A fetch's fault, and whether it may pass.
    struct Fault: Error {
        let failure: FetchFailure
        var mayPass = false
        /// What the server asks to wait before the next request.
        var retryAfter: Duration?
    }
}

/// Reads answers as a policy wants it.
struct AnswerReader: Sendable {
    private let policy: FetchPolicy
    private let optOut: OptOut?
    /// Seconds since 1970.
    private let now: @Sendable () -> Int

    init(_ policy: FetchPolicy, now: @escaping @Sendable () -> Int) {
        self.policy = policy
        optOut = policy.honourOptOut ? OptOut(userAgent: policy.userAgent) : nil
        self.now = now
    }

    /// Whether the body behind `head` is wanted.
    func bodyUse(_ head: ResponseHead) -> ExchangeRequest.BodyUse {
        guard refusal(head) == nil else { return .refuse }
        return Self.isSuccess(head.status) ? .take : .drain
    }

    /// What `answer` of `address` means.
    func read(_ answer: ExchangeAnswer, of address: WebAddress) -> AnswerReading {
        func fault(_ reason: Rejection.Reason, _ message: String, mayPass: Bool = false) -> AnswerReading {
            let status = answer.head.status == 0 ? nil : answer.head.status
            let failure = FetchFailure(Rejection(reason, message), httpStatus: status, finalURL: "\(address)")
            return .fault(AnswerReading.Fault(failure: failure, mayPass: mayPass))
        }
        switch answer.ending {
        case .complete: return Self.isSuccess(answer.head.status) ? .body : readStatus(answer.head, of: address)
        case .headOnly:
            return refusal(answer.head).map { fault(.optedOut, $0) } ?? readStatus(answer.head, of: address)
        case .timedOut:
            // A host that has not said a word is taken for dead.
            return fault(.timeout, "no whole answer in \(policy.timeout)", mayPass: answer.head.byteCount > 0)
        case .bodyTooLong: return fault(.tooLarge, "body over \(policy.maxBytes) bytes")
        case .headTooLong: return fault(.downloadError, "response head over \(policy.maxHeaderBytes) bytes")
        case .blocked(let why): return fault(.blockedAddress, why)
        case .failed(let code, let text):
            return fault(.downloadError, text, mayPass: Self.passing.contains { $0.rawValue == code })
        case .cancelled: return fault(.downloadError, "cancelled")
        case .closed: return fault(.downloadError, "the fetcher is closed")
        }
    }

    private func readStatus(_ head: ResponseHead, of address: WebAddress) -> AnswerReading {
        if [301, 302, 303, 307, 308].contains(head.status),
            let location = head.values(of: "location").first, !location.isEmpty
        {
            return .redirect(location)
        }
        let failure = FetchFailure(
            Rejection(.httpError, "status \(head.status)"), httpStatus: head.status, finalURL: "\(address)")
        let mayPass = head.status == 429 || ((500...599).contains(head.status) && ![501, 505].contains(head.status))
        let wait = mayPass ? head.values(of: "retry-after").first.flatMap(seconds) : nil
        return .fault(AnswerReading.Fault(failure: failure, mayPass: mayPass, retryAfter: wait))
    }

    /// The value of `Retry-After`, a number of seconds or a date, as a time from now.
    private func seconds(_ value: String) -> Duration? {
        if let seconds = Int32(value) { return .seconds(max(0, seconds)) }
        let date = curl_getdate(value, nil)
        return date == -1 ? nil : .seconds(max(0, date - now()))
    }

    /// Why the owner forbids the use; an answer without content forbids nothing.
    private func refusal(_ head: ResponseHead) -> String? {
        (200...399).contains(head.status) ? optOut?.refusal(in: head, now: now()) : nil
    }

    /// Part of a body was never asked for, and no body is none.
    private static func isSuccess(_ status: Int) -> Bool {
        (200...299).contains(status) && ![204, 205, 206].contains(status)
    }

    /// Faults of the network, and not of the request or the server's set-up.
    private static let passing: [CURLcode] = [
        CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_ERROR,
        CURLE_RECV_ERROR, CURLE_HTTP2, CURLE_HTTP2_STREAM,
    ]
}
