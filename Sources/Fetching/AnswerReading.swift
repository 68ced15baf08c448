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
        /// Whether nothing was asked, since the host was given up for what other rows met.
        var isOfHost = false
        /// How things stood with the host and the network.
        var standing = ExchangeAnswer.Standing()
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
        return Self.isWhole(head) ? .take : .drain
    }

    /// What `answer` of `address` means.
    func read(_ answer: ExchangeAnswer, of address: WebAddress) -> AnswerReading {
        func fault(_ rejection: Rejection, mayPass: Bool = false) -> AnswerReading {
            let status = answer.head.status == 0 ? nil : answer.head.status
            let failure = FetchFailure(rejection, httpStatus: status, finalURL: "\(address)")
            return .fault(AnswerReading.Fault(failure: failure, mayPass: mayPass, standing: answer.standing))
        }
        if let hostFault = hostFault(answer) { return fault(hostFault.rejection, mayPass: !hostFault.asksTooMuch) }
        switch answer.ending {
        case .complete: return Self.isWhole(answer.head) ? .body : readStatus(answer.head, fault)
        case .headOnly:
            return refusal(answer.head).map { fault(Rejection(.optedOut, $0)) } ?? readStatus(answer.head, fault)
        case .timedOut: return fault(Rejection(.timeout, ""))  // a fault of the host, above
        case .bodyTooLong: return fault(Rejection(.tooLarge, "body over \(policy.maxBytes) bytes"))
        case .headTooLong:
            return fault(Rejection(.downloadError, "response head over \(policy.maxHeaderBytes) bytes"))
        case .undecodable: return fault(Rejection(.downloadError, "broken content encoding"))
        case .blocked(let why): return fault(Rejection(.blockedAddress, why))
        case .failed(_, let text): return fault(Rejection(.downloadError, text))
        case .givenUp(let hostFault):
            let failure = FetchFailure(
                hostFault.rejection, httpStatus: hostFault.status, finalURL: "\(address)")
            return .fault(AnswerReading.Fault(failure: failure, isOfHost: !hostFault.asksTooMuch))
        case .cancelled: return fault(Rejection(.downloadError, "cancelled"))
        case .closed: return fault(Rejection(.downloadError, "the fetcher is closed"))
        }
    }

    /// What `answer` says about its host, which was given only the end of the time limit where `inShortTime`.
    func hostOutcome(_ answer: ExchangeAnswer, inShortTime: Bool = false) -> HostOutcome {
        if inShortTime, answer.ending == .timedOut { return .unknown }
        if let fault = hostFault(answer) { return .failed(fault) }
        switch answer.ending {
        case .cancelled, .closed, .blocked, .givenUp: return .unknown
        case .failed where answer.head.byteCount == 0: return .unknown
        default: return .answered(connect: answer.times.connect, firstByte: answer.times.firstByte)
        }
    }

    /// The fault of the host that `answer` tells of, if that may pass.
    private func hostFault(_ answer: ExchangeAnswer) -> HostFault? {
        func fault(_ kind: HostFault.Kind, _ reason: Rejection.Reason, _ text: String) -> HostFault {
            HostFault(kind: answer.head.byteCount > 0 ? .partial : kind, rejection: Rejection(reason, text))
        }
        switch answer.ending {
        case .timedOut:
            let what = answer.head.byteCount > 0 ? "no complete answer" : "no answer"
            return fault(.silence, .timeout, "\(what) in \(policy.timeout)")
        case .failed(let code, let text):
            return Self.passing[code].map { fault($0, .downloadError, text) }
        case .complete, .headOnly:
            let status = answer.head.status
            guard status == 429 || ((500...599).contains(status) && ![501, 505].contains(status)) else { return nil }
            let wait = answer.head.values(of: "retry-after").first.flatMap(seconds)
            let asksTooMuch = wait.map { $0 > policy.longestRetryAfter } ?? false
            let text = "status \(status)" + (asksTooMuch ? ", with a Retry-After beyond fetch.patience" : "")
            return HostFault(
                kind: [429, 503].contains(status) ? .overload : .server, rejection: Rejection(.httpError, text),
                status: status, retryAfter: wait, asksTooMuch: asksTooMuch)
        default: return nil
        }
    }

    private func readStatus(_ head: ResponseHead, _ fault: (Rejection, Bool) -> AnswerReading) -> AnswerReading {
        if [301, 302, 303, 307, 308].contains(head.status),
            let location = head.location, !location.isEmpty
        {
            return .redirect(location)
        }
        return fault(Rejection(.httpError, "status \(head.status)"), false)
    }

    /// The value of `Retry-After`, a number of seconds or a date, as a time from now.
    private func seconds(_ value: String) -> Duration? {
        if !value.isEmpty, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return .seconds(Int32(value) ?? .max)  // more than can be counted is long, not nothing
        }
        let date = curl_getdate(value, nil)
        return date == -1 ? nil : .seconds(max(0, date - now()))
    }

    /// Why the owner forbids the use; an answer without content forbids nothing.
    private func refusal(_ head: ResponseHead) -> String? {
        (200...399).contains(head.status) ? optOut?.refusal(in: head, now: now()) : nil
    }

    /// Whether the answer has the whole body: no body is none, and a part was never asked for, unless it is all there is.
    private static func isWhole(_ head: ResponseHead) -> Bool {
        guard head.status == 206 else { return (200...299).contains(head.status) && ![204, 205].contains(head.status) }
        guard let range = head.values(of: "content-range").first?.lowercased(), range.hasPrefix("bytes 0-") else {
            return false
        }
        let numbers = range.dropFirst(8).split(separator: "/").compactMap { UInt64($0) }
        return numbers.count == 2 && numbers[1] > 0 && numbers[0] == numbers[1] - 1
    }

    /// Faults of the network, and not of the request or the server's set-up.
    private static let passing: [UInt32: HostFault.Kind] = [
        CURLE_COULDNT_RESOLVE_HOST.rawValue: .name, CURLE_COULDNT_CONNECT.rawValue: .connection,
        CURLE_SSL_CONNECT_ERROR.rawValue: .reset, CURLE_PARTIAL_FILE.rawValue: .reset,
        CURLE_GOT_NOTHING.rawValue: .reset, CURLE_SEND_ERROR.rawValue: .reset, CURLE_RECV_ERROR.rawValue: .reset,
        CURLE_HTTP2.rawValue: .reset, CURLE_HTTP2_STREAM.rawValue: .reset,
    ]
}
