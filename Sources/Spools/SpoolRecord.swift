/// What a spool says of one row, or of all rows before.
package struct SpoolRecord: Sendable, Equatable {
    /// The raw value is what the file holds.
    package enum Kind: UInt8, Sendable, CaseIterable {
        /// A row whose image is encoded.
        case encoded = 1
        /// A row that is left out.
        case leftOut = 2
        /// The captions of a row whose image is encoded.
        case captions = 3
        /// The rows that failed so far are to be tried again.
        case retry = 4
    }

    package let kind: Kind
    /// The number of the row in its unit, from 0.
    package let row: Int
    package let fields: [UInt8]
    package let image: [UInt8]

    package init(_ kind: Kind, row: Int, fields: [UInt8] = [], image: [UInt8] = []) {
        self.kind = kind
        self.row = row
        self.fields = fields
        self.image = image
    }
}

/// Where a record lies in a spool: all that is remembered of it.
package struct SpoolPlace: Sendable, Hashable {
    package let offset: Int
    let fieldsLength: UInt32
    let imageLength: UInt32
    /// Of the whole record.
    package let checksum: UInt32

    /// The length of the record.
    package var byteCount: Int { SpoolFormat.headLength + Int(fieldsLength) + Int(imageLength) + 4 }
}

/// Whose spool it is: only the same build resumes from it.
package struct SpoolHeader: Sendable, Hashable {
    /// Names the build and its settings: 32 bytes.
    package let build: [UInt8]
    package let source: String
    package let firstRow: Int
    package let rowCount: Int

    package init(build: [UInt8], source: String, firstRow: Int, rowCount: Int) {
        precondition(build.count == 32, "a build is named by a digest")
        self.build = build
        self.source = source
        self.firstRow = firstRow
        self.rowCount = rowCount
    }
}
