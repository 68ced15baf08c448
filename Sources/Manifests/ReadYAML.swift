import Foundation
import Yams

/// The text of the file `path`, of at most a mebibyte: no file that a person wrote is larger.
func yamlText(ofFile path: String) throws(ManifestError) -> String {
    func fault(_ hint: String) -> ManifestError {
        ManifestError(code: .unreadable, line: nil, keyPath: "", hint: hint)
    }
    guard let data = FileManager.default.contents(atPath: path) else {
        throw fault("no such file, or permission denied")
    }
    guard data.count <= 1 << 20 else { throw fault("larger than 1 MiB") }
    guard let text = String(data: data, encoding: .utf8) else { throw fault("not UTF-8 text") }
    return text
}

/// The tree of a YAML text; nil where it is empty.
///
/// Aliases are refused before anything is made of them: a few hundred bytes of them stand for gigabytes.
func composed(_ yaml: String) throws(ManifestError) -> Node? {
    if let line = firstAlias(in: yaml) {
        throw ManifestError(
            code: .syntax, line: line, keyPath: "",
            hint: "aliases such as *name are not read; text that begins with * must be in quotes")
    }
    do {
        return try Yams.compose(yaml: yaml)
    } catch let error as YamlError {
        throw ManifestError(error)
    } catch {
        throw ManifestError(code: .syntax, line: nil, keyPath: "", hint: "\(error)")
    }
}

/// The line, from 1, of the first value that is an alias.
///
/// A value begins behind an indicator or at the start of a line; a star or a quote anywhere else is a letter like others.
private func firstAlias(in yaml: String) -> Int? {
    var line = 1
    var quote: UInt8?
    var isEscaped = false
    var isComment = false
    var before = UInt8(ascii: "\n")  // the byte before this one
    var mayBegin = true  // whether a value may begin here
    for byte in yaml.utf8 {
        defer { before = byte }
        if byte == UInt8(ascii: "\n") {
            line += 1
            if quote == nil { (isComment, mayBegin) = (false, true) }
            continue
        }
        if isComment { continue }
        if let open = quote {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\"), open == UInt8(ascii: "\"") {
                isEscaped = true
            } else if byte == open {
                (quote, mayBegin) = (nil, false)
            }
            continue
        }
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
        case UInt8(ascii: "#") where before == 32 || before == 9 || before == 10: isComment = true
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            if mayBegin, begins(behind: before) { quote = byte }
        case UInt8(ascii: "*"):
            if mayBegin, begins(behind: before) { return line }
        case UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "?"),
            UInt8(ascii: "-"):
            mayBegin = true
        default: mayBegin = false
        }
    }
    return nil
}

/// Whether a value can begin right behind `byte`: behind blanks, and in lists and mappings in brackets.
private func begins(behind byte: UInt8) -> Bool {
    [9, 10, 13, 32].contains(byte) || "[{,".utf8.contains(byte)
}

extension ManifestError {
    fileprivate init(_ error: YamlError) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let around = context.map { "\($0.text): " } ?? ""
            self.init(code: .syntax, line: mark.line, keyPath: "", hint: around + problem)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map { "\($0)" }.sorted().joined(separator: ", ")
            self.init(code: .syntax, line: context.mark.line, keyPath: "", hint: "key given twice: \(keys)")
        default:
            self.init(code: .syntax, line: nil, keyPath: "", hint: "\(error)")
        }
    }
}
