import CParquet

/// What a column of someone else's table holds.
package struct ColumnForm: Sendable, Hashable {
    package enum Kind: Sendable, Hashable, CaseIterable {
        case text
        /// Bytes that may be text: old writers mark no text as such.
        case bytes
        case fixedBytes
        case bool, integer, real, decimal
        /// A date, a time, or both.
        case moment
        case uuid
        /// Nothing but nulls.
        case nothing
        /// A struct with `bytes`, the file of an image, as Hugging Face's `datasets` writes them.
        case image
        case other

        init(_ kind: cpq_kind_t) {
            self =
                switch kind {
                case CPQ_TEXT_KIND: .text
                case CPQ_BYTES_KIND: .bytes
                case CPQ_FIXED_BYTES_KIND: .fixedBytes
                case CPQ_BOOL_KIND: .bool
                case CPQ_INTEGER_KIND: .integer
                case CPQ_REAL_KIND: .real
                case CPQ_DECIMAL_KIND: .decimal
                case CPQ_MOMENT_KIND: .moment
                case CPQ_UUID_KIND: .uuid
                case CPQ_NULL_KIND: .nothing
                case CPQ_IMAGE_KIND: .image
                default: .other
                }
        }
    }

    /// Of its values; where they are lists, of what is in them.
    package let kind: Kind
    /// How many lists stand one in another; 0 for single values.
    package let listDepth: Int
    /// As Arrow calls it, such as `list<element: int64>`.
    package let typeName: String
}
