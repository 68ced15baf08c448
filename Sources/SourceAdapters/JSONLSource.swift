package import Manifests
import Samples

/// One JSON object a line, or one JSON array of objects.
package struct JSONLSource: RecordList {
    package let name: String
    let paths: [String]
    let imageRoots: [String]
    private let columns: Columns

    /// The rows of `paths`, in that order; `columns` are keys of the objects.
    package init(name: String, paths: [String], columns: Columns = .standard, imageRoots: [String] = []) {
        (self.name, self.paths, self.columns, self.imageRoots) = (name, paths, columns, imageRoots)
    }

    var wanted: String { "JSON" }

    func records(of path: String, at offset: Int?) throws(SourceError) -> any RecordReader {
        // A line of the list is an object, so that what begins with a bracket is one array of all of them.
        if firstToken(of: try someBytes(of: path, count: 4096)) == UInt8(ascii: "[") {
            return try elements(of: path, at: offset)
        }
        return try LineReader(path, at: offset ?? 0)
    }

    func meaning(of path: String) throws(SourceError) -> @Sendable ([UInt8]) -> ListedFields {
        { [columns] in ListedFields(json: $0, columns) }
    }

    func likelyCause(_ path: String) throws(SourceError) -> String {
        let head = try someBytes(of: path)
        guard firstToken(of: head) == UInt8(ascii: "{") else {
            return "; want a JSON object on each line, or one array of them"
        }
        let line = head.drop { [32, 10, 13, 9].contains($0) }.prefix { $0 != 10 }
        guard jsonValue(Array(line)) == nil else { return "" }
        return "; its objects span several lines: write each on one line, or all as one array"
    }

    func examine(file: Int) throws(SourceError) -> HeadRows {
        try refuseForeign(paths[file], wanted: wanted)
        let rows = try HeadRows(cursor(file: file, at: nil))
        if rows.verdict == nil { try checkKeys(file) }  // of rows that cannot be read the keys say nothing
        return rows
    }

    /// Refuses a file of which no row at the beginning has one of the keys that are read: it is a mistake in the name.
    ///
    /// The few rows of a short file say little: rows of the other files are looked at, too.
    private func checkKeys(_ file: Int) throws(SourceError) {
        var missing = [columns.url, columns.caption] + [columns.id].compactMap(\.self) + (columns.facts?.names ?? [])
        var (count, seen): (Int, Set<String>) = (0, [])
        let others = paths.indices.filter { $0 != file }
        for number in [file] + others where !missing.isEmpty && count < HeadRows.most {
            let reader = try records(of: paths[number], at: nil)
            while !missing.isEmpty, count < 1000, reader.offset < 4 << 20, let record = try reader.next() {
                guard case .text(let bytes) = record, let object = JSONFields(bytes) else { continue }
                count += 1
                seen.formUnion(object.keys)
                missing.removeAll(where: object.has)
            }
        }
        guard let name = missing.first, count > 0 else { return }
        throw SourceError(
            .malformed, paths[file],
            "none of the first \(count) rows has the key \(name); there are "
                + seen.sorted().prefix(20).joined(separator: ", "))
    }
}

extension ListedFields {
    /// What the JSON object `bytes` says under the keys `columns`.
    init(json bytes: [UInt8], _ columns: Columns) {
        guard let object = JSONFields(bytes) else {
            self.init(fault: "not a JSON object")
            return
        }
        self.init(object, columns)
    }

    init(_ object: JSONFields, _ columns: Columns) {
        if let places = columns.facts {
            facts = RowFacts(places, text: object.text, number: object.number)
            known = Set(Fact.allCases.filter { places[$0].map(object.has) == true })
        }
        do throws(ValueFault) {
            guard object.has(columns.url) else {
                throw ValueFault(
                    text: "no key \(columns.url); there are " + object.keys.sorted().prefix(20).joined(separator: ", "))
            }
            url = try object.url(columns.url)
            captions = try object.texts(columns.caption)
            if let id = columns.id { sourceID = try object.text(id) }
        } catch {
            fault = error.text
        }
    }
}

extension RowFacts {
    /// The facts that stand in `columns`, whose values `text` and `number` give.
    init(
        _ columns: FactColumns, text: (String) throws(ValueFault) -> String,
        number: (String) throws(ValueFault) -> Double?
    ) {
        self.init()
        var unreadable: [Fact: String] = [:]
        func given(_ column: String?) throws(ValueFault) -> String? {
            guard let column else { return nil }
            let text = try text(column)
            return text.isEmpty ? nil : text
        }
        func known<Value>(_ fact: Fact, _ read: (String) throws(ValueFault) -> Value?) -> Value? {
            guard let column = columns[fact] else { return nil }
            do throws(ValueFault) {
                return try read(column)
            } catch {
                unreadable[fact] = error.text
                return nil
            }
        }
        // Rounded down: a side is under a bound of whole pixels where its number is.
        func side(_ fact: Fact) -> Int? { known(fact, number).map { Int(max(-1e15, min(1e15, $0.rounded(.down)))) } }
        (width, height) = (side(.width), side(.height))
        similarity = known(.similarity, number)
        unsafe = known(.unsafe, number)
        watermark = known(.watermark, number)
        aesthetic = known(.aesthetic, number)
        (nsfw, language) = (known(.nsfw, given), known(.language, given))
        // A text that is not a digest is found out when it is compared.
        (md5, sha256) = (known(.md5, given)?.lowercased(), known(.sha256, given)?.lowercased())
        self.unreadable = unreadable
    }
}
