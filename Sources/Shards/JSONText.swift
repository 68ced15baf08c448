import Samples

/// Writes JSON as shards hold it: fixed key order, no spaces, doubles always with a decimal point.
struct JSONText {
    private(set) var bytes: [UInt8] = []

    /// The array of the kept captions' texts, best first.
    static func captions(_ captions: [ScoredCaption]) -> [UInt8] {
        var json = JSONText()
        json.list(captions) { $0.string($1.text) }
        return json.bytes
    }

    /// The object that `KEY.meta.json` holds.
    static func metadata(_ metadata: SampleMetadata) -> [UInt8] {
        var json = JSONText()
        json.bytes.reserveCapacity(2048)
        json.raw("{\"key\":")
        json.string(metadata.key)
        json.field("source", metadata.source)
        json.field("source_id", metadata.sourceID)
        json.field("url", metadata.url)
        json.field("width", metadata.width)
        json.field("height", metadata.height)
        json.field("original_width", metadata.originalWidth)
        json.field("original_height", metadata.originalHeight)
        json.field("sha256", metadata.sha256)
        json.field("web_caption", metadata.webCaption)
        json.raw(",\"captions\":")
        json.list(metadata.captions) { $0.caption($1) }
        json.raw(",\"candidates\":")
        json.list(metadata.candidates) { $0.caption($1) }
        json.raw("}")
        return json.bytes
    }

    private mutating func caption(_ caption: ScoredCaption) {
        raw("{\"text\":")
        string(caption.text)
        raw(",\"score\":")
        raw(decimal(caption.score))
        raw(",\"origin\":")
        string(caption.origin.rawValue)
        raw("}")
    }

    private mutating func field(_ name: String, _ value: String) {
        raw(",\"\(name)\":")
        string(value)
    }

    private mutating func field(_ name: String, _ value: Int) { raw(",\"\(name)\":\(value)") }

    private mutating func list<Element>(_ elements: [Element], _ write: (inout JSONText, Element) -> Void) {
        raw("[")
        for (index, element) in elements.enumerated() {
            if index > 0 { raw(",") }
            write(&self, element)
        }
        raw("]")
    }

    private mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): raw("\\\"")
            case UInt8(ascii: "\\"): raw("\\\\")
            case UInt8(ascii: "\n"): raw("\\n")
            case UInt8(ascii: "\r"): raw("\\r")
            case UInt8(ascii: "\t"): raw("\\t")
            case 0..<0x20: raw("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

/// The shortest decimal text that reads back as `value`, always with a point: loaders take `1` for an integer.
func decimal(_ value: Double) -> String {
    precondition(value.isFinite, "JSON has no text for \(value)")
    let text = "\(value)"
    guard !text.contains("."), let exponent = text.firstIndex(of: "e") else { return text }
    return text[..<exponent] + ".0" + text[exponent...]
}
