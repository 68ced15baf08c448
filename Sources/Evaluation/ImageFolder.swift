import Files
import Foundation
import Samples

/// The image files in folders, by the names that data sets' own files have for them.
///
/// A file goes by its name, with or without the extension, and by the number at the end of it: `17.jpg` and
/// `COCO_val2014_000000000017.jpg` are both image 17.
package struct ImageFolder: Sendable {
    private static let extensions: Set = ["jpg", "jpeg", "png", "webp", "gif"]

    private let folders: [String]
    private var byName = Index()
    private var byNumber = Index()

    /// Paths by names without extensions, or by the numbers that those end in.
    private struct Index {
        private var paths: [String: String] = [:]
        /// A second path of a name that has two.
        private var others: [String: String] = [:]

        mutating func add(_ path: String, as name: String) {
            if let other = paths.updateValue(path, forKey: name), other != path { others[name] = other }
        }

        func path(of name: String) throws(EvaluationError) -> String? {
            guard let path = paths[name] else { return nil }
            if let other = others[name] {
                throw EvaluationError(.image, path, "there are two files of image \(name), the other is \(other)")
            }
            return path
        }
    }

    /// The files in `folders` themselves; those in folders within, and hidden ones, are not looked for.
    ///
    /// - Throws: `image` where a folder cannot be read.
    package init(_ folders: [String]) throws(EvaluationError) {
        self.folders = folders
        for given in folders {
            // One folder may be given by two names.
            let folder = URL(fileURLWithPath: given).resolvingSymlinksInPath().path
            let names: [String]
            do {
                names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            } catch {
                throw EvaluationError(.image, given, "no such folder, or permission denied")
            }
            for name in names where !name.hasPrefix(".") { add(name, in: folder) }
        }
    }

    private mutating func add(_ name: String, in folder: String) {
        let (path, bare) = (folder + "/" + name, Self.bare(name))
        guard bare != name else { return }
        byName.add(path, as: bare)
        if let number = Self.number(atEndOf: bare) { byNumber.add(path, as: "\(number)") }
    }

    /// The path of the image `id`, whose file is called `file` where that is known; nil where there is none.
    ///
    /// - Throws: `image` where two files have the name.
    package func path(of id: String, file: String? = nil) throws(EvaluationError) -> String? {
        if let file {
            let name = Self.bare(String(file.split(separator: "/").last ?? ""))
            if let path = try byName.path(of: name) { return path }
            // NoCaps's numbers are not in its files' names: another image's file may end in one.
            guard Self.number(atEndOf: name).map({ "\($0)" }) == id else { return nil }
        }
        if let path = try byNumber.path(of: id) { return path }
        return try byName.path(of: Self.bare(id))
    }

    private static func number(atEndOf name: String) -> Int64? {
        let digits = name.split(separator: "_").last ?? ""
        return digits.allSatisfy { $0.isASCII && $0.isNumber } ? Int64(digits) : nil
    }

    /// The files of all of `asked`, with their captions.
    ///
    /// - Throws: `image` where one is not there, or twice.
    package func captioned(
        _ asked: some Sequence<(id: String, file: String?, captions: [String])>
    ) throws(EvaluationError) -> [CaptionedFile] {
        var (files, missing, count): ([CaptionedFile], [String], Int) = ([], [], 0)
        for (id, file, captions) in asked {
            count += 1
            guard let path = try path(of: id, file: file) else {
                missing.append(id)
                continue
            }
            files.append(CaptionedFile(id: id, path: path, captions: captions))
        }
        guard let first = missing.first else { return files }
        throw EvaluationError(.image, place, "\(missing.count) of \(count) images not found, such as \(first)")
    }

    /// The media type of the file `path`.
    package static func mediaType(of path: String) -> String {
        let type = path.split(separator: ".").last?.lowercased() ?? ""
        return "image/" + (type == "jpg" ? "jpeg" : type)
    }

    /// Where the images are looked for, in words.
    fileprivate var place: String { folders.joined(separator: ", ") }

    /// `name` without an image's extension.
    private static func bare(_ name: String) -> String {
        guard let dot = name.lastIndex(of: "."), extensions.contains(name[name.index(after: dot)...].lowercased())
        else {
            return name
        }
        return String(name[..<dot])
    }
}

/// The images of folders that are asked about, in the order of their paths.
package struct FolderImages: AskedImages {
    private var files: ArraySlice<(path: String, id: String)>
    /// How many of the images that are asked about are not there, in words; nil where all are.
    package let missing: String?

    /// The images that `asked` names; those that are not there are left out.
    ///
    /// - Throws: `empty` where none is there, `image` where one is there twice.
    package init(_ folder: ImageFolder, _ asked: some Sequence<(id: String, file: String?)>) throws(EvaluationError) {
        var (paths, lost): ([String: String], Set<String>) = ([:], [])
        for (id, file) in asked where paths[id] == nil && !lost.contains(id) {
            if let path = try folder.path(of: id, file: file) { paths[id] = path } else { lost.insert(id) }
        }
        let example = lost.min() ?? "none"
        guard !paths.isEmpty else {
            throw EvaluationError(
                .empty, folder.place,
                "no .jpg, .jpeg, .png, .webp or .gif of the images that are asked about, such as \(example)")
        }
        missing =
            lost.isEmpty ? nil : "\(lost.count) of \(lost.count + paths.count) images not found, such as \(example)"
        files = paths.map { (path: $1, id: $0) }.sorted { ($0.path, $0.id) < ($1.path, $1.id) }[...]
    }

    package mutating func next() throws(EvaluationError) -> AskedImage? {
        guard let (path, id) = files.popFirst() else { return nil }
        return AskedImage(ids: [id], place: path, bytes: try imageBytes(path))
    }
}

/// What is in the image file `path`.
func imageBytes(_ path: String) throws(EvaluationError) -> [UInt8] {
    do {
        let file = try OpenedFile(path)
        return try file.bytes(at: 0, count: file.byteCount)
    } catch let error as UnreadableFile {
        throw EvaluationError(.image, path, "\(error.reason): remove or replace it")
    } catch {
        throw EvaluationError(.image, path, "\(error)")
    }
}
