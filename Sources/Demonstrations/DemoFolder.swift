import Files
package import Foundation

/// Why the demonstration could not be made or served.
package struct DemoError: Error, CustomStringConvertible {
    /// The kinds of faults.
    package enum Code: String, Sendable {
        /// A picture could not be encoded.
        case encode
        /// A file or folder could not be written.
        case write
        /// The server could not listen.
        case listen
    }

    /// The kind of fault.
    package let code: Code
    /// The file or address.
    package let subject: String
    /// What happened.
    package let text: String

    /// One line for a person.
    package var description: String { "\(subject): \(code.rawValue): \(text)" }
}

/// The demonstration's files in a folder: images, questions, `list.csv`, `list.tsv` and `truth.jsonl`.
package struct DemoFolder: Sendable {
    /// The folder.
    package let folder: URL

    /// The demonstration in `folder`, which need not exist yet.
    package init(_ folder: URL) { self.folder = folder }

    /// Writes the images, `questions.json` and `annotations.json`, of a clean data set `captions.json`, and the truth about
    /// them; pictures of an earlier data set under the same names are replaced.
    ///
    /// Pictures are made on all cores, one in memory for each.
    package func write(_ dataset: DemoDataset, encoders: DemoEncoders) async throws {
        for oddity in [nil, DemoRow.Oddity.optedOut, .slow, .mislabelled] {
            try makeFolder(folder.appending(path: oddity?.folder ?? "images"))
        }
        let cores = ProcessInfo.processInfo.activeProcessorCount
        try await withThrowingTaskGroup(of: Void.self) { group in
            for first in 0..<cores {
                group.addTask {
                    for index in stride(from: first, to: dataset.count, by: cores) {
                        try Task.checkCancellation()
                        let row = dataset.row(index)
                        guard let file = row.file, let bytes = try bytes(of: row, encoders) else { continue }
                        try write(Data(bytes), to: file)
                    }
                }
            }
            for try await _ in group {}
        }
        let questions = DemoQuestions(dataset)
        try write(questions.questions(), to: "questions.json")
        try write(questions.annotations(), to: "annotations.json")
        if dataset.isClean { try write(DemoReferences(dataset).captions(), to: "captions.json") }
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try writeLines("truth.jsonl", dataset.rows) { String(decoding: try encoder.encode($0), as: UTF8.self) }
    }

    /// Writes `list.csv`, with a header and quotes, and `list.tsv`, as CC12M has it, with the first caption alone, of images
    /// under `baseURL`, such as `http://127.0.0.1:8080`; without one they hold paths in the folder.
    ///
    /// Of a clean data set also `answers.csv`: questions with their answers in the place of captions, to learn from.
    package func writeLists(_ dataset: DemoDataset, baseURL: String? = nil) throws(DemoError) {
        let start = baseURL.map { $0 + "/" } ?? ""
        try writeList("list.csv", dataset, start) { dataset.captions($0) }
        if dataset.isClean { try writeList("answers.csv", dataset, start) { dataset.lessons($0.row) } }
        try writeLines("list.tsv", dataset.rows) { row in
            row.file.map { "\(start)\($0)\t\(row.webCaption)" } ?? row.webCaption
        }
    }

    /// Writes `text.txt` and `lookups.txt` alone: sentences, questions and answers about the scenes, a line each, for a language
    /// model; of the second the answers are to be learned.
    package func writeText(_ dataset: DemoDataset) throws(DemoError) {
        try makeFolder(folder)
        try writeLines("text.txt", (0..<dataset.count).lazy) { dataset.text($0).joined(separator: "\n") }
        try writeLines("lookups.txt", (0..<dataset.count).lazy) { dataset.lookups($0).joined(separator: "\n") }
    }

    /// Writes a list with a header, each image under its row's number as `id`, and as many captions for each.
    private func writeList(
        _ name: String, _ dataset: DemoDataset, _ start: String, _ captions: (DemoRow) -> [String]
    ) throws(DemoError) {
        let count = captions(dataset.row(0)).count
        let header = "url" + String(repeating: ",caption", count: count) + ",id\n"
        try writeLines(name, header: header, dataset.rows) { row in
            let fields = [row.file.map { start + $0 } ?? ""] + captions(row) + ["\(row.row)"]
            return fields.map(Self.quoted).joined(separator: ",")
        }
    }

    /// The rows that `truth.jsonl` tells of, in order.
    package func truth() throws -> [DemoRow] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let lines = try Data(contentsOf: folder.appending(path: "truth.jsonl")).split(separator: UInt8(ascii: "\n"))
        return try lines.map { try decoder.decode(DemoRow.self, from: $0) }
    }

    private func bytes(of row: DemoRow, _ encoders: DemoEncoders) throws(DemoError) -> [UInt8]? {
        do { return try row.bytes(encoders) } catch {
            throw DemoError(code: .encode, subject: row.file ?? "row \(row.row)", text: "\(error)")
        }
    }

    private func makeFolder(_ folder: URL) throws(DemoError) {
        do { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) } catch {
            throw DemoError(code: .write, subject: folder.path, text: error.localizedDescription)
        }
    }

    private func write(_ bytes: Data, to name: String) throws(DemoError) {
        let file = folder.appending(path: name)
        do { try bytes.write(to: file) } catch {
            throw DemoError(code: .write, subject: file.path, text: error.localizedDescription)
        }
    }

    /// Writes a text file, a line at a time, that appears under its name when it is whole.
    private func writeLines<Row>(
        _ name: String, header: String = "", _ rows: some Sequence<Row>, line: (Row) throws -> String
    ) throws(DemoError) {
        let path = folder.appending(path: name).path
        do {
            try writeFile(path) { file in
                try file.write(Array(header.utf8))
                for row in rows { try file.write(Array((try line(row) + "\n").utf8)) }
            }
        } catch let error as FileError {
            throw DemoError(code: .write, subject: error.path, text: error.reason)
        } catch {
            throw DemoError(code: .write, subject: path, text: error.localizedDescription)
        }
    }

    /// A field of RFC 4180: in quotes where it must be.
    private static func quoted(_ field: String) -> String {
        guard field.contains(where: { ",\"\r\n".contains($0) }) else { return field }
        return "\"" + field.replacing("\"", with: "\"\"") + "\""
    }
}
