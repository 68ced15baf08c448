import Foundation

/// The table of contents of a safetensors file, checked against the size of the file.
///
/// Source: the format's description and `safetensors/src/tensor.rs`, `Metadata::validate`.
struct SafetensorsHeader {
    /// One tensor: where its bytes are and how they are to be read.
    struct Entry: Equatable {
        /// The type's name in the file, such as `F32`.
        let type: String
        let shape: [Int]
        /// The tensor's bytes, from the start of the file.
        let bytes: Range<Int>
    }

    /// No header of a real checkpoint comes near this.
    static let longestHeader = 100_000_000

    let entries: [String: Entry]
    /// Free texts of the file's writer.
    let metadata: [String: String]

    /// Reads and checks the header `json` of `file`, whose tensors fill the bytes from `dataStart` to `fileSize`.
    init(json: Data, file: String, dataStart: Int, fileSize: Int) throws(CheckpointError) {
        let table: RawTable
        do {
            table = try JSONDecoder().decode(RawTable.self, from: json)
        } catch {
            throw CheckpointError(.badHeader, file, tensor: Self.subject(of: error), Self.reason(of: error))
        }
        var entries: [String: Entry] = [:]
        for (name, raw) in table.tensors {
            entries[name] = try Self.entry(raw, name, file, dataStart, fileSize)
        }
        try Self.checkLayout(entries, file, dataStart, fileSize)
        self.entries = entries
        metadata = table.metadata
    }

    /// Bits of an element of each type of the format.
    private static let bits = [
        "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32,
        "U16": 16, "U8": 8, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8, "C64": 64,
    ]

    private static func entry(
        _ raw: RawEntry, _ name: String, _ file: String, _ dataStart: Int, _ fileSize: Int
    ) throws(CheckpointError) -> Entry {
        guard let bits = bits[raw.dtype] else {
            throw CheckpointError(.badType, file, tensor: name, "unknown element type \(raw.dtype)")
        }
        var byteCount = bits / 8
        for size in raw.shape {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: size)
            guard size >= 0, !overflow else {
                throw CheckpointError(.badShape, file, tensor: name, "impossible shape \(raw.shape)")
            }
            byteCount = product
        }
        let offsets = raw.data_offsets
        guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1] else {
            throw CheckpointError(.badOffsets, file, tensor: name, "data_offsets \(offsets) are not a range")
        }
        guard offsets[1] <= fileSize - dataStart else {
            let text =
                "its bytes end at \(offsets[1]), the file has \(fileSize - dataStart): it is cut short, fetch it again"
            throw CheckpointError(.truncated, file, tensor: name, text)
        }
        guard offsets[1] - offsets[0] == byteCount else {
            let text =
                "\(raw.dtype) \(raw.shape) takes \(byteCount) bytes, data_offsets hold \(offsets[1] - offsets[0])"
            throw CheckpointError(.badShape, file, tensor: name, text)
        }
        return Entry(type: raw.dtype, shape: raw.shape, bytes: dataStart + offsets[0]..<dataStart + offsets[1])
    }

    /// The tensors must fill the file without gap or overlap.
    private static func checkLayout(
        _ entries: [String: Entry], _ file: String, _ dataStart: Int, _ fileSize: Int
    ) throws(CheckpointError) {
        let sorted = entries.sorted {
            ($0.value.bytes.lowerBound, $0.value.bytes.upperBound, $0.key)
                < ($1.value.bytes.lowerBound, $1.value.bytes.upperBound, $1.key)
        }
        var end = dataStart
        for (name, entry) in sorted {
            guard entry.bytes.lowerBound == end else {
                let what = entry.bytes.lowerBound < end ? "overlap the tensor before" : "leave a gap before them"
                let text = "its bytes \(what), at \(entry.bytes.lowerBound - dataStart)"
                throw CheckpointError(.badOffsets, file, tensor: name, text)
            }
            end = entry.bytes.upperBound
        }
        guard end == fileSize else {
            throw CheckpointError(.badOffsets, file, "\(fileSize - end) bytes after the last tensor")
        }
    }

    private static func subject(of error: any Error) -> String? {
        guard let error = error as? DecodingError else { return nil }
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            return context.codingPath.first?.stringValue
        @unknown default:
            return nil
        }
    }

    private static func reason(of error: any Error) -> String {
        guard let error = error as? DecodingError else { return "the header is not JSON" }
        switch error {
        case .keyNotFound(let key, _):
            return "no \(key.stringValue)"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "\(context.codingPath.dropFirst().map(\.stringValue).joined(separator: ".")) has the wrong type"
        default:
            return "the header is not well-formed JSON"
        }
    }
}

/// A tensor as the header writes it.
private struct RawEntry: Decodable {
    let dtype: String
    let shape: [Int]
    let data_offsets: [Int]  // swift-format-ignore: AlwaysUseLowerCamelCase
}

/// The header: tensors by name, and `__metadata__` among them.
private struct RawTable: Decodable {
    struct Name: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    var tensors: [String: RawEntry] = [:]
    var metadata: [String: String] = [:]

    init(from decoder: any Decoder) throws {
        let table = try decoder.container(keyedBy: Name.self)
        for name in table.allKeys {
            if name.stringValue == "__metadata__" {
                metadata = try table.decode([String: String].self, forKey: name)
            } else {
                tensors[name.stringValue] = try table.decode(RawEntry.self, forKey: name)
            }
        }
    }
}
