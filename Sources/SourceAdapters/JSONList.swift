/// A reader of the elements of the array that the file `path` is: from byte `offset` on, or from the first one on.
func elements(of path: String, at offset: Int?) throws(SourceError) -> any RecordReader {
    if let offset { return try JSONElementReader(path, at: offset) }
    try refuseForeign(path, wanted: "JSON")
    guard let reader = try JSONElementReader(arrayIn: path) else { preconditionFailure("an array was asked for") }
    return reader
}

/// The first byte of `path` that is no white space, which says whether JSON is an array or an object.
func firstToken(of path: String) throws(SourceError) -> UInt8 {
    try refuseForeign(path, wanted: "JSON")
    var blocks = try BlockReader(path, at: 0)
    if try blocks.hasByte(), blocks.block.starts(with: [0xef, 0xbb, 0xbf]) { blocks.place = 3 }
    while try blocks.hasByte() {
        let byte = blocks.block[blocks.place]
        if byte != 32, byte != 10, byte != 13, byte != 9 { return byte }
        blocks.place += 1
    }
    throw SourceError(.malformed, path, "the file is empty")
}
