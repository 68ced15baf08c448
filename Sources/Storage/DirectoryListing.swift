import Glibc

extension DirectoryStore {
    /// Lists a page.
    ///
    /// Every name of a folder is read for each page of it, and those of the page are held. A link to a folder is not
    /// followed, unless it is in `prefix`.
    package func list(_ prefix: String, after: ObjectKey?, limit: Int) throws(StorageError) -> ObjectPage {
        precondition(limit > 0, "a page has at least one object")
        var walk = Walk(root: root, prefix: prefix, after: after?.text ?? "", hidden: partialFolder + "/", limit: limit)
        // What comes before the last slash is where to look, the rest is the beginning of a name.
        let start = prefix.lastIndex(of: "/").map { String(prefix[...$0]) } ?? ""
        guard start.isEmpty || ObjectKey(String(start.dropLast())) != nil, !begins(start, partialFolder + "/") else {
            return ObjectPage(entries: [], next: nil)
        }
        try walk.visit(start)
        return ObjectPage(entries: walk.entries, next: walk.entries.count == limit ? walk.entries.last?.key : nil)
    }
}

/// One page as it is gathered.
///
/// Names of folders end in a slash here, which puts them where the names below them belong.
private struct Walk {
    let root: String
    let prefix: String
    let after: String
    let hidden: String
    let limit: Int
    var entries: [ObjectPage.Entry] = []

    /// Adds the objects below `folder`, which is empty or ends in a slash.
    mutating func visit(_ folder: String) throws(StorageError) {
        var last = ""
        // Folders may hold nothing that counts: then there is room for more names than were asked for.
        while entries.count < limit {
            let names = try names(in: folder, beyond: last)
            guard let end = names.last else { return }
            for name in names where entries.count < limit {
                if name.hasSuffix("/") {
                    try visit(name)
                } else if let key = ObjectKey(name), let byteCount = plainFileByteCount(name) {
                    entries.append(.init(key: key, byteCount: byteCount))
                }
            }
            last = end
        }
    }

    /// The first names in `folder` that come after `last`, as many as there is room for.
    private func names(in folder: String, beyond last: String) throws(StorageError) -> [String] {
        let path = root + "/" + folder
        guard let directory = opendir(path) else {
            if [ENOENT, ENOTDIR].contains(errno) { return [] }
            throw StorageError(.open, path)
        }
        defer { closedir(directory) }
        let room = limit - entries.count
        var found: [String] = []
        errno = 0
        while let entry = readdir(directory) {
            if let name = name(of: entry, in: folder), precedes(last, name), isWanted(name) { found.append(name) }
            if found.count >= 2 * room + 1000 { found = Array(found.sorted(by: precedes).prefix(room)) }
            errno = 0
        }
        guard errno == 0 else { throw StorageError(.read, path) }
        return Array(found.sorted(by: precedes).prefix(room))
    }

    private func name(of entry: UnsafeMutablePointer<dirent>, in folder: String) -> String? {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        guard let name, name != ".", name != ".." else { return nil }
        let whole = folder + name
        switch Int32(entry.pointee.d_type) {
        case Int32(DT_DIR): return whole + "/"
        case Int32(DT_UNKNOWN):
            var status = stat()
            let isFolder = lstat(root + "/" + whole, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            return isFolder ? whole + "/" : whole
        default: return whole
        }
    }

    /// Whether an object of that name, or below that folder, may belong on the page.
    private func isWanted(_ name: String) -> Bool {
        guard name.hasSuffix("/") else { return begins(name, prefix) && precedes(after, name) }
        guard name != hidden else { return false }
        return (begins(name, prefix) || begins(prefix, name))
            && (precedes(after, name) || begins(after, name))
    }

    /// The length of a plain file; nil for anything else, and for what was removed meanwhile.
    private func plainFileByteCount(_ name: String) -> Int? {
        var status = stat()
        guard stat(root + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }
}

private func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
}

/// Bytes, not characters: an accent may make two names of one beginning.
private func begins(_ text: String, _ prefix: String) -> Bool { text.utf8.starts(with: prefix.utf8) }
