/// Reads the elements of one JSON array one by one, however long the array, from any element on.
///
/// Elements are cut out by their brackets and quotes alone; whether one is valid JSON is seen when it is read.
final class JSONElementReader: RecordReader {
    static let byteLimit = 8 << 20

    private var blocks: BlockReader
    private(set) var offset: Int
    private var isAtEnd = false
    var path: String { blocks.path }

    /// Reads from the element that starts at byte `offset` on.
    init(_ path: String, at offset: Int) throws(SourceError) {
        blocks = try BlockReader(path, at: offset)
        self.offset = offset
    }

    /// Reads the array that the file is, or the one that the file's object has under `key`, from its first element on.
    ///
    /// Nil where the file is an object without such a key.
    init?(arrayIn path: String, key: String? = nil) throws(SourceError) {
        blocks = try BlockReader(path, at: 0)
        offset = 0
        if try blocks.hasByte(), blocks.block.starts(with: [0xef, 0xbb, 0xbf]) { blocks.place = 3 }
        if let key, try !enterObject(findingArray: key) { return nil }
        guard try nextToken() == UInt8(ascii: "[") else { throw fault("want a JSON array") }
        if try nextToken() == UInt8(ascii: "]") { isAtEnd = true } else { blocks.place -= 1 }
        offset = blocks.offset
    }

    func next() throws(SourceError) -> Record? {
        guard !isAtEnd else { return nil }
        var text: [UInt8] = []
        var isTooLong = false
        try passValue { part in
            if text.count + part.count > Self.byteLimit { isTooLong = true } else { text += part }
        }
        try passSeparator()
        return isTooLong ? .tooLong(Array(text.prefix(200))) : .text(text)
    }

    func skip() throws(SourceError) -> Bool {
        guard !isAtEnd else { return false }
        try passValue { _ in }
        try passSeparator()
        return true
    }

    /// The next byte that is not white space, which is passed.
    private func nextToken() throws(SourceError) -> UInt8 {
        while try blocks.hasByte() {
            let byte = blocks.block[blocks.place]
            blocks.place += 1
            if byte != 32, byte != 10, byte != 13, byte != 9 { return byte }
        }
        throw fault("the file ends inside the JSON")
    }

    private func passSeparator() throws(SourceError) {
        switch try nextToken() {
        case UInt8(ascii: ","):
            _ = try nextToken()
            blocks.place -= 1  // at the element's first byte, of the block that it was just read from
        case UInt8(ascii: "]"): isAtEnd = true
        default:
            blocks.place -= 1
            throw fault("want a comma or ] between elements")
        }
        offset = blocks.offset
    }

    /// Goes over one value, in parts; it begins at the byte at hand.
    private func passValue(_ take: (ArraySlice<UInt8>) -> Void) throws(SourceError) {
        var (depth, isQuoted, isEscaped) = (0, false, false)
        while try blocks.hasByte() {
            let start = blocks.place
            let bytes = blocks.block
            var place = start
            var isDone = false
            scan: while place < bytes.count {
                let byte = bytes[place]
                if isQuoted {
                    if isEscaped {
                        isEscaped = false
                    } else if byte == UInt8(ascii: "\\") {
                        isEscaped = true
                    } else if byte == UInt8(ascii: "\"") {
                        isQuoted = false
                        if depth == 0 {
                            (place, isDone) = (place + 1, true)
                            break scan
                        }
                    }
                } else {
                    switch byte {
                    case UInt8(ascii: "\""): isQuoted = true
                    case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                    case UInt8(ascii: "}"), UInt8(ascii: "]"):
                        if depth == 0 {  // the array's end, behind a number or a word
                            isDone = true
                            break scan
                        }
                        depth -= 1
                        if depth == 0 {
                            (place, isDone) = (place + 1, true)
                            break scan
                        }
                    case UInt8(ascii: ",") where depth == 0:
                        isDone = true
                        break scan
                    default: break
                    }
                }
                place += 1
            }
            take(bytes[start..<place])
            blocks.place = place
            if isDone { return }
        }
        throw fault("the file ends inside an element")
    }

    /// Goes into the file's object up to the value of `key`; false where there is no such key.
    private func enterObject(findingArray key: String) throws(SourceError) -> Bool {
        guard try nextToken() == UInt8(ascii: "{") else { throw fault("want a JSON object with \(key)") }
        while true {
            let token = try nextToken()
            if token == UInt8(ascii: "}") { return false }
            guard token == UInt8(ascii: "\"") else { throw fault("want a key") }
            blocks.place -= 1
            var name: [UInt8] = []
            try passValue { if name.count < 1000 { name += $0 } }
            guard try nextToken() == UInt8(ascii: ":") else { throw fault("want a colon after a key") }
            if name.elementsEqual("\"\(key)\"".utf8) { return true }
            _ = try nextToken()
            blocks.place -= 1
            try passValue { _ in }
            let end = try nextToken()
            if end == UInt8(ascii: "}") { return false }
            guard end == UInt8(ascii: ",") else { throw fault("want a comma between keys") }
        }
    }

    private func fault(_ text: String) -> SourceError {
        SourceError(.malformed, path, "byte \(blocks.offset): \(text)")
    }
}
