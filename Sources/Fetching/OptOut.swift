import CCurl

/// The owner's wish, in the head of an answer, that the image not be used for training.
struct OptOut: Sendable {
    /// The name by which robots rules call us, in lower case.
    private let agent: String

    /// The rules for a client that calls itself `userAgent`.
    ///
    /// Its name there is what follows `compatible;`, else the first product, such as `ourbot` of `ourbot/1.0`.
    init(userAgent: String) {
        let text = userAgent.lowercased()
        let start = text.firstRange(of: "compatible;")?.upperBound ?? text.startIndex
        let name = text[start...].drop { $0 == " " }.prefix { !" /;()".contains($0) }
        agent = String(name)
    }

    /// The header that forbids the use, in a few words; nil if none does.
    ///
    /// `now` is in seconds since 1970; rules that take effect at a date need it.
    func refusal(in head: ResponseHead, now: Int) -> String? {
        if head.values(of: "tdm-reservation").contains("1") { return "tdm-reservation: 1" }
        let rule = head.values(of: "x-robots-tag").lazy.compactMap { forbiddingRule($0, now: now) }.first
        return rule.map { "X-Robots-Tag: \($0)" }
    }

    /// The rule that forbids the use in one value of `X-Robots-Tag`.
    ///
    /// `name: rule, rule` holds for the client `name` until another is named; `;` is taken for the comma that was meant.
    private func forbiddingRule(_ value: String, now: Int) -> String? {
        let items = value.lowercased().split { $0 == "," || $0 == ";" }.map(Self.trimmed)
        var isForUs = true
        for (index, item) in items.enumerated() {
            var rule = item
            if let colon = item.firstIndex(of: ":"), case let name = Self.trimmed(item[..<colon]), !Self.isValued(name)
            {
                isForUs = name == agent || name == "*"
                rule = Self.trimmed(item[item.index(after: colon)...])
            }
            guard isForUs else { continue }
            if Self.forbidding.contains(rule) { return rule }
            // A date may hold one comma.
            let dates = [rule, items[index...].prefix(2).joined(separator: ",")]
            if rule.hasPrefix(Self.dated), dates.contains(where: { Self.isPast($0, now: now) }) { return Self.dated }
        }
        return nil
    }

    private static let forbidding: Set<String> = ["noai", "noimageai", "noindex", "noimageindex", "none"]
    private static let dated = "unavailable_after"

    /// Whether what follows `name:` is a value, and `name` not a client.
    private static func isValued(_ name: String) -> Bool {
        ["max-snippet", "max-image-preview", "max-video-preview", dated].contains(name)
    }

    private static func isPast(_ rule: String, now: Int) -> Bool {
        var date = trimmed(rule.drop { $0 != ":" }.dropFirst())
        // libcurl reads a day of ISO 8601 without its dashes only.
        if let day = date.prefixMatch(of: #/\d{4}-\d{2}-\d{2}/#) { date = day.output.filter { $0 != "-" } }
        let time = curl_getdate(date, nil)
        return time != -1 && time < now
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let tail = text.drop { $0 == " " || $0 == "\t" }
        return String(
            tail.prefix(upTo: tail.lastIndex { $0 != " " && $0 != "\t" }.map(tail.index(after:)) ?? tail.startIndex))
    }
}
