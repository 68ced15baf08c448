/// A metric with its values, as Prometheus reads it (text format 0.0.4).
///
/// Labels come from closed lists: names of sources, of messages and of reasons, never from a URL or the text of a fault.
struct MetricFamily: Hashable, Sendable {
    enum Kind: String { case counter, gauge, histogram }

    /// One line of it.
    struct Value: Hashable, Sendable {
        var suffix = ""
        var labels: [Label] = []
        let number: Double
    }

    struct Label: Hashable, Sendable {
        let name: String
        let value: String
    }

    let name: String
    let kind: Kind
    let help: String
    private(set) var values: [Value] = []

    init(_ name: String, _ kind: Kind, _ help: String) { (self.name, self.kind, self.help) = (name, kind, help) }

    /// A metric that has one value.
    init(_ name: String, _ kind: Kind, _ help: String, _ number: Double) {
        self.init(name, kind, help)
        add(number)
    }

    /// Adds a value; `labels` with their names.
    mutating func add(_ number: Double, suffix: String = "", _ labels: KeyValuePairs<String, String> = [:]) {
        values.append(
            Value(suffix: suffix, labels: labels.map { Label(name: $0.key, value: $0.value) }, number: number))
    }

    mutating func add(_ number: Int, _ labels: KeyValuePairs<String, String> = [:]) { add(Double(number), labels) }

    /// The lines of the family, the last one ended.
    var text: String {
        var lines = "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
        for value in values {
            let labels = value.labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
            let braces = labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
            lines += "\(name)\(value.suffix)\(braces) \(Self.text(of: value.number))\n"
        }
        return lines
    }

    private static func text(of number: Double) -> String {
        if let whole = Int(exactly: number), abs(whole) < 1 << 53 { return "\(whole)" }
        return number == .infinity ? "+Inf" : "\(number)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        let plain = text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        return quotes ? plain.replacing("\"", with: "\\\"") : plain
    }
}
