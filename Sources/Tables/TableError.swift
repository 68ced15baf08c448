import CParquet

/// A Parquet file that cannot be written or read, and what the library said.
package struct TableError: Error, Hashable, CustomStringConvertible {
    package let path: String
    package let detail: String

    package var description: String { "\(path): parquet: \(detail)" }

    init(_ path: String, _ detail: String) {
        self.path = path
        self.detail = detail
    }

    /// Throws what the library said unless `status` is 0.
    static func check(_ status: Int32, _ path: String) throws(TableError) {
        guard status == 0 else { throw TableError(path, String(cString: cpq_last_error())) }
    }
}
