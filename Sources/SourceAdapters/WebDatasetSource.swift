import Archives
import Samples

/// Tars in which a sample's members lie side by side, as webdataset has them: plain, `.tar.gz` or `.tar.zst`.
///
/// The key is what the name has up to the first dot behind the last slash. Of img2dataset's layout, and of our own shards,
/// caption, URL and what else is known are read from `txt` and `json`. A damaged or cut archive gives the samples up to
/// there, and one row more that says so. Source: webdataset `tariterators.py`, `base_plus_ext`; img2dataset `writer.py`.
package struct WebDatasetSource: ListSource {
    package let name: String
    let imageRoots: [String] = []
    private let paths: [String]
    var fileCount: Int { paths.count }

    /// The samples of `paths`, in that order.
    package init(name: String, paths: [String]) {
        (self.name, self.paths) = (name, paths)
    }

    func cursor(file: Int, at position: InputPosition?) throws(SourceError) -> any ListCursor {
        try TarCursor(file, paths[file], at: position)
    }
}

/// Goes over the samples of one tar.
///
/// In a plain tar, a position is the byte of a sample's first header. A compressed one can only be read from its start, so
/// that there a position is the number of a sample: `companion` says which of the two it is.
private final class TarCursor: ListCursor {
    /// A longer member is no image.
    private static let memberByteLimit = 128 << 20
    private static let imageExtensions: Set<String> = ["jpg", "jpeg", "png", "webp", "gif"]

    let path: String
    private let file: Int
    private let tar: TarReader
    /// The first member of the next sample, whose header was read already.
    private var pending: TarReader.Member?
    private var number = 0
    /// Why reading ended early; told as the last row.
    private var damage: String?
    private var isAtEnd = false

    init(_ file: Int, _ path: String, at position: InputPosition?) throws(SourceError) {
        let isNumber = position?.companion == 1
        (self.file, self.path) = (file, path)
        do throws(ArchiveError) {
            tar = try TarReader(path, at: isNumber ? 0 : position?.offset ?? 0)
            pending = try Self.nextMember(tar)
        } catch {
            throw SourceError(error.code == .unreadable ? .unreadable : .malformed, path, error.detail)
        }
        isAtEnd = pending == nil
        if isNumber, let position { _ = skip(position.offset) }
    }

    var unitOfOffset: String { tar.isCompressed ? "sample" : "byte" }
    var position: InputPosition {
        tar.isCompressed
            ? InputPosition(file: file, offset: number, companion: 1)
            : InputPosition(file: file, offset: pending?.offset ?? 0)
    }

    func skip(_ count: Int) -> Int {
        for found in 0..<count where sample({ _ in }) == nil { return found }
        return count
    }

    func next() -> ListedFields? {
        var row = ListedFields()
        var texts: [String: [UInt8]] = [:]
        var hasOther = false
        let key = sample { member throws(ArchiveError) in
            let (_, ending) = keyAndEnding(of: member.name)
            guard member.kind == .file else { return hasOther = true }
            if Self.imageExtensions.contains(ending), row.image == nil {
                row.image = .bytes(try tar.read(member, byteLimit: Self.memberByteLimit))
            } else if ["txt", "caption", "json", "meta.json"].contains(ending) {
                texts[ending] = try tar.read(member, byteLimit: LineReader.byteLimit)
            }
        }
        guard let key else { return nil }
        row.sourceID = key
        row.addTexts(texts)
        if hasOther { row.fault = "a member that is no plain file" }
        if row.image == nil { row.fault = damage ?? row.fault ?? "no image among the sample's members" }
        return row
    }

    /// Gives the members of the next sample to `take`, and its key; nil at the end.
    private func sample(_ take: (TarReader.Member) throws(ArchiveError) -> Void) -> String? {
        guard !isAtEnd else { return nil }
        guard let first = pending else {
            isAtEnd = true
            return damage == nil ? nil : ""
        }
        let (key, _) = keyAndEnding(of: first.name)
        number += 1
        do throws(ArchiveError) {
            try take(first)
            while let member = try Self.nextMember(tar) {
                if keyAndEnding(of: member.name).key != key {
                    pending = member
                    return key
                }
                try take(member)
            }
            isAtEnd = true
        } catch {
            // What was cut is not a sample: the row that tells of it takes its place.
            (damage, isAtEnd) = (error.detail, true)
        }
        pending = nil
        return key
    }

    /// The next member that is no folder.
    private static func nextMember(_ tar: TarReader) throws(ArchiveError) -> TarReader.Member? {
        while let member = try tar.next() {
            if member.kind != .folder { return member }
        }
        return nil
    }
}

/// `a/b` and `meta.json` of `a/b.meta.json`.
private func keyAndEnding(of name: String) -> (key: String, ending: String) {
    let start = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
    guard let dot = name[start...].firstIndex(of: ".") else { return (name, "") }
    return (String(name[..<dot]), name[name.index(after: dot)...].lowercased())
}

extension ListedFields {
    /// What the text members of a sample say; `texts` by their endings.
    fileprivate mutating func addTexts(_ texts: [String: [UInt8]]) {
        if let caption = texts["txt"] ?? texts["caption"] { captions = [text(of: caption)] }
        if let json = texts["json"], let list = jsonValue(json) as? [Any] {  // captions, best first
            captions = list.compactMap { ($0 as? String).map { text(of: Array($0.utf8)) } }
        }
        guard let json = texts["meta.json"] ?? texts["json"], let object = JSONFields(json) else { return }
        if captions.isEmpty { captions = object.texts("caption") }
        url = object.text("url")
        (facts.width, facts.height) = (object.int("original_width"), object.int("original_height"))
    }
}
