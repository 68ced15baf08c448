/// A reader of the elements of the array that the file `path` is: from byte `offset` on, or from the first one on.
func elements(of path: String, at offset: Int?) throws(SourceError) -> any RecordReader {
    if let offset { return try JSONElementReader(path, at: offset) }
    guard let reader = try JSONElementReader(arrayIn: path) else { preconditionFailure("an array was asked for") }
    return reader
}

/// Whether the file `path` is a JSON array; otherwise it should be an object.
func isArray(_ path: String) throws(SourceError) -> Bool {
    guard let token = firstToken(of: try someBytes(of: path)) else {
        throw SourceError(.malformed, path, "the file is empty")
    }
    return token == UInt8(ascii: "[")
}
