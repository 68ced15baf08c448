import Images
import Samples
import Spools

extension SpoolRecord {
    /// `row`, the number `number` of its unit.
    init(_ row: EncodedRow, number: Int) {
        var fields = FieldWriter()
        fields.add(row.origin)
        fields.add(row.answer)
        fields.add(UInt64(row.fetchedByteCount))
        fields.add(row.sha256.hex)
        fields.add(row.original)
        fields.add(row.image.fileExtension)
        fields.add(row.image.size)
        fields.add(row.perceptualHash) { $0.add($1) }
        self.init(.encoded, row: number, fields: fields.bytes, image: row.image.bytes)
    }

    init(_ row: LeftOutRow, number: Int) {
        var fields = FieldWriter()
        fields.add(row.rejection.reason.rawValue)
        fields.add(row.rejection.message)
        fields.add(row.origin)
        fields.add(row.answer)
        fields.add(UInt64(row.fetchedByteCount))
        fields.add(row.sha256) { $0.add($1.hex) }
        fields.add(row.original) { $0.add($1) }
        self.init(.leftOut, row: number, fields: fields.bytes)
    }

    /// `captions` of the row whose record has the checksum `encoded`.
    init(_ captions: RowCaptions, ofRecord encoded: UInt32, number: Int) {
        var fields = FieldWriter()
        fields.add(encoded)
        fields.add(captions.candidates)
        fields.add(captions.kept)
        self.init(.captions, row: number, fields: fields.bytes)
    }

    /// The row that was written; nil where it is none.
    func encodedRow(_ id: SampleID) -> EncodedRow? {
        var reader = FieldReader(fields)
        guard let origin = reader.origin(id), let answer = reader.answer(), let byteCount = reader.number(UInt64.self),
            let sha256 = reader.digest(), let original = reader.size(), let fileExtension = reader.text(),
            let size = reader.size(), let hash = reader.optional({ $0.number(UInt64.self) }), reader.isAtEnd
        else { return nil }
        return EncodedRow(
            origin: origin, answer: answer, fetchedByteCount: Int(clamping: byteCount), sha256: sha256,
            original: original,
            image: StoredImage(bytes: image, fileExtension: fileExtension, size: size), perceptualHash: hash)
    }

    /// The row that was left out; nil where it is none.
    func leftOutRow(_ id: SampleID) -> LeftOutRow? {
        var reader = FieldReader(fields)
        guard let reason = reader.text().flatMap({ Rejection.Reason(rawValue: $0) }), let message = reader.text(),
            let origin = reader.origin(id), let answer = reader.answer(), let byteCount = reader.number(UInt64.self),
            let sha256 = reader.optional({ $0.digest() }), let original = reader.optional({ $0.size() }),
            reader.isAtEnd
        else { return nil }
        return LeftOutRow(
            origin, Rejection(reason, message), answer: answer, fetchedByteCount: Int(clamping: byteCount),
            sha256: sha256,
            original: original)
    }

    /// The captions that were written; nil where there are none.
    var captions: RowCaptions? {
        var reader = FieldReader(fields)
        guard reader.number(UInt32.self) != nil, let candidates = reader.scored(), let kept = reader.scored(),
            reader.isAtEnd, !kept.isEmpty
        else { return nil }
        return RowCaptions(candidates: candidates, kept: kept)
    }
}

/// What the fields of a record say that is needed before it is read whole.
enum SpoolGlance {
    /// The checksum of the record that captions are of.
    static func described(_ fields: [UInt8]) -> UInt32? {
        var reader = FieldReader(fields)
        return reader.number(UInt32.self)
    }

    /// Why a row is left out.
    static func reason(_ fields: [UInt8]) -> Rejection.Reason? {
        var reader = FieldReader(fields)
        return reader.text().flatMap { Rejection.Reason(rawValue: $0) }
    }
}
