/// A model of SentencePiece, `spiece.model`: what T5's tokenizer needs of it.
///
/// Source: google/sentencepiece `sentencepiece_model.proto`; the wire format is that of Protocol Buffers.
struct SentencePieceFile {
    /// The pieces by id.
    let pieces: [UnigramModel.Piece]
    /// How characters are replaced, as `CharacterMap` reads it; empty where they stay as they are.
    let characterMap: [UInt8]

    /// - Throws: `malformed` where `bytes` are no such model, `unsupported` where it is not one as T5 has it.
    init(_ bytes: [UInt8], _ path: String) throws(TokenizerError) {
        var (pieces, characterMap): ([UnigramModel.Piece], [UInt8]) = ([], [])
        do throws(WireReader.Fault) {
            var reader = WireReader(bytes[...])
            while let field = try reader.next() {
                switch (field.number, field.value) {
                case (1, .bytes(let piece)): pieces.append(try Self.piece(piece))
                case (2, .bytes(let training)):
                    if let reason = try Self.refusal(training, Self.trainingRules) { throw .unsupported(reason) }
                case (3, .bytes(let normalizing)):
                    if let reason = try Self.refusal(normalizing, Self.normalizerRules) { throw .unsupported(reason) }
                    characterMap = try Self.bytes(2, in: normalizing)
                default: continue
                }
            }
        } catch {
            switch error {
            case .malformed:
                throw TokenizerError(.malformed, path, "not a SentencePiece model, or cut off; fetch the model again")
            case .unsupported(let reason): throw TokenizerError(.unsupported, path, reason)
            }
        }
        guard !pieces.isEmpty else { throw TokenizerError(.malformed, path, "it has no pieces; fetch the model again") }
        (self.pieces, self.characterMap) = (pieces, characterMap)
    }

    private struct Rule {
        let field: UInt64
        let name: String
        let wanted: UInt64
    }

    private static let trainingRules = [
        Rule(field: 3, name: "model_type", wanted: 1), Rule(field: 24, name: "treat_whitespace_as_suffix", wanted: 0),
        Rule(field: 35, name: "byte_fallback", wanted: 0),
    ]
    private static let normalizerRules = [
        Rule(field: 3, name: "add_dummy_prefix", wanted: 1),
        Rule(field: 4, name: "remove_extra_whitespaces", wanted: 1),
        Rule(field: 5, name: "escape_whitespaces", wanted: 1),
    ]

    /// Why a message is not as T5's models have it; nil where it is.
    ///
    /// Fields that are left out are as they should be.
    private static func refusal(_ message: ArraySlice<UInt8>, _ rules: [Rule]) throws(WireReader.Fault) -> String? {
        var reader = WireReader(message)
        while let field = try reader.next() {
            guard case .number(let value) = field.value, let rule = rules.first(where: { $0.field == field.number }),
                value != rule.wanted
            else { continue }
            return "\(rule.name) is \(value), only \(rule.wanted) is supported: T5's models have it"
        }
        return nil
    }

    private static func bytes(_ number: UInt64, in message: ArraySlice<UInt8>) throws(WireReader.Fault) -> [UInt8] {
        var (reader, found) = (WireReader(message), [UInt8]())
        while let field = try reader.next() {
            if case .bytes(let bytes) = field.value, field.number == number { found = Array(bytes) }
        }
        return found
    }

    private static func piece(_ message: ArraySlice<UInt8>) throws(WireReader.Fault) -> UnigramModel.Piece {
        var (text, score, kind): ([UInt8], Double, UnigramModel.Kind) = ([], 0, .normal)
        var reader = WireReader(message)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .bytes(let bytes)): text = Array(bytes)
            case (2, .bits(let bits)): score = Double(Float(bitPattern: bits))
            case (3, .number(let number)):
                guard let known = Int(exactly: number).flatMap(UnigramModel.Kind.init(rawValue:)) else {
                    throw .malformed
                }
                kind = known
            default: continue
            }
        }
        guard !text.isEmpty, score.isFinite else { throw .malformed }
        return UnigramModel.Piece(text: text, score: score, kind: kind)
    }
}

/// Reads the fields of one message of Protocol Buffers.
private struct WireReader {
    enum Fault: Error {
        case malformed
        case unsupported(String)
    }

    enum Value {
        case number(UInt64)
        case bits(UInt32)
        case bytes(ArraySlice<UInt8>)
        case other
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func next() throws(Fault) -> (number: UInt64, value: Value)? {
        guard !rest.isEmpty else { return nil }
        let key = try number()
        switch key & 7 {
        case 0: return (key >> 3, .number(try number()))
        case 1:
            _ = try take(8)
            return (key >> 3, .other)
        case 2:
            let length = try number()
            return (key >> 3, .bytes(try take(length)))
        case 5:
            let bits = try take(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            return (key >> 3, .bits(bits))
        default: throw .malformed
        }
    }

    private mutating func number() throws(Fault) -> UInt64 {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { throw .malformed }
            number |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return number }
        }
        throw .malformed
    }

    private mutating func take(_ count: UInt64) throws(Fault) -> ArraySlice<UInt8> {
        guard count <= UInt64(rest.count) else { throw .malformed }
        defer { rest = rest.dropFirst(Int(count)) }
        return rest.prefix(Int(count))
    }
}
