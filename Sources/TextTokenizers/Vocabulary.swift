/// The tokens of a model and their ids; tokens are bytes, so that equal means the same bytes.
struct Vocabulary {
    private(set) var ids: [[UInt8]: Int] = [:]
    private(set) var tokens: [Int: [UInt8]] = [:]

    /// No tokens.
    init() {}

    /// One token a line, numbered from 0, as in `vocab.txt`.
    ///
    /// A token that stands there twice has its last number, as in the reference.
    init(lines bytes: [UInt8]) {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for (id, line) in lines.enumerated() {
            let end = line.lastIndex { !" \t\r".utf8.contains($0) }.map { $0 + 1 } ?? line.startIndex
            ids[Array(line[..<end])] = id
        }
        tokens = Dictionary(uniqueKeysWithValues: ids.map { ($0.value, $0.key) })
    }

    /// The tokens and ids of an object, as in `vocab.json`.
    init(_ members: [JSONValue.Member], file: String) throws(TokenizerError) {
        for member in members {
            guard let id = member.value.tokenID else {
                let token = String(decoding: member.key, as: UTF8.self)
                throw TokenizerError(.malformed, file, "want a whole number as the id of \"\(token)\"")
            }
            insert(member.key, id)
        }
    }

    /// The id of a token that is known to be there.
    func id(_ token: [UInt8]) -> Int {
        guard let id = ids[token] else { preconditionFailure("a special token was not added to the vocabulary") }
        return id
    }

    /// The id after the last one.
    var nextID: Int { (tokens.keys.max() ?? -1) + 1 }

    mutating func insert(_ token: [UInt8], _ id: Int) {
        ids[token] = id
        tokens[id] = token
    }
}
