import Images
import Samples
import Spools

/// Writes values one after the other; docs/FORMAT.md says which.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ value: some FixedWidthInteger) { bytes.append(little: value) }

    mutating func add(_ text: String) {
        add(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func add<Value>(_ value: Value?, _ write: (inout FieldWriter, Value) -> Void) {
        add(UInt8(value == nil ? 0 : 1))
        if let value { write(&self, value) }
    }

    mutating func add(_ size: Size) {
        add(UInt32(size.width))
        add(UInt32(size.height))
    }

    mutating func add(_ origin: RowOrigin) {
        add(origin.sourceID)
        add(origin.url)
        add(UInt32(origin.given.count))
        for caption in origin.given {
            add(caption.origin)
            add(caption.text)
        }
    }

    mutating func add(_ origin: CaptionOrigin) { add(origin.rawValue) }

    mutating func add(_ answer: FetchAnswer) {
        add(answer.httpStatus) { $0.add(UInt32($1)) }
        add(answer.finalURL) { $0.add($1) }
    }

    mutating func add(_ captions: [ScoredCaption]) {
        add(UInt32(captions.count))
        for caption in captions {
            add(caption.origin)
            add(caption.score.bitPattern)
            add(caption.text)
        }
    }
}

/// Reads what a `FieldWriter` wrote; nil wherever that is not what is there.
struct FieldReader {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

    var isAtEnd: Bool { bytes.isEmpty }

    mutating func number<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value? {
        let count = Value.bitWidth / 8
        guard bytes.count >= count else { return nil }
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count).reversed().reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
    }

    mutating func integer() -> Int? { number(UInt32.self).map(Int.init) }

    mutating func text() -> String? {
        guard let count = integer(), bytes.count >= count else { return nil }
        defer { bytes = bytes.dropFirst(count) }
        return String(validating: bytes.prefix(count), as: UTF8.self)
    }

    /// A value that may be absent: `.some(nil)` where it is.
    mutating func optional<Value>(_ read: (inout FieldReader) -> Value?) -> Value?? {
        switch number(UInt8.self) {
        case 0: .some(nil)
        case 1: read(&self).map { .some($0) }
        default: nil
        }
    }

    mutating func size() -> Size? {
        guard let width = integer(), let height = integer() else { return nil }
        return Size(width: width, height: height)
    }

    mutating func digest() -> ContentDigest? { text().flatMap { ContentDigest(hex: $0) } }
    mutating func captionOrigin() -> CaptionOrigin? { text().flatMap { CaptionOrigin(rawValue: $0) } }

    mutating func list<Value>(_ read: (inout FieldReader) -> Value?) -> [Value]? {
        guard let count = integer(), count <= bytes.count else { return nil }
        var values: [Value] = []
        for _ in 0..<count {
            guard let value = read(&self) else { return nil }
            values.append(value)
        }
        return values
    }

    mutating func origin(_ id: SampleID) -> RowOrigin? {
        guard let sourceID = text(), let url = text(),
            let given = list({ reader -> Caption? in
                guard let origin = reader.captionOrigin(), let text = reader.text() else { return nil }
                return Caption(text: text, origin: origin)
            })
        else { return nil }
        return RowOrigin(id: id, sourceID: sourceID, url: url, given: given)
    }

    mutating func answer() -> FetchAnswer? {
        guard let status = optional({ $0.integer() }), let url = optional({ $0.text() }) else { return nil }
        return FetchAnswer(httpStatus: status, finalURL: url)
    }

    mutating func scored() -> [ScoredCaption]? {
        list { reader in
            guard let origin = reader.captionOrigin(), let bits = reader.number(UInt64.self), let text = reader.text()
            else { return nil }
            return ScoredCaption(text: text, score: Double(bitPattern: bits), origin: origin)
        }
    }
}
