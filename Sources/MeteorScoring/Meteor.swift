import Files
import Foundation
import Locks
import TextMetrics

/// METEOR of captions, by the program of the usual package, which needs Java.
///
/// The program is `meteor-1.5.jar`, with `data/paraphrase-en.gz` beside it, as the package has them. It is given the words that
/// BLEU, ROUGE-L and CIDEr-D are computed with.
///
/// Source: pycocoevalcap 1.2 `meteor/meteor.py`; decisions/0066.
package struct Meteor: Sendable {
    /// An image with its caption.
    package struct Image: Sendable {
        package let caption: String
        package let references: [String]
        /// The part of the data set whose images are scored by themselves as well.
        package let domain: String?

        package init(caption: String, references: [String], domain: String? = nil) {
            (self.caption, self.references, self.domain) = (caption, references, domain)
        }
    }

    /// What METEOR is.
    package struct Scores: Sendable, Equatable {
        /// Of all images, 0 to 1.
        package let all: Double
        package let byDomain: [String: Double]
    }

    /// How long the program may do nothing; reading its paraphrases takes it a quarter of a minute.
    package var patience: Duration = .seconds(600)
    private let jar: String
    private let java: String

    /// The program `jar`, run by the first `java` of `searchPath`, a list of folders as `PATH` is.
    package init(
        jar: String, searchPath: String = ProcessInfo.processInfo.environment["PATH"] ?? ""
    ) throws(MeteorError) {
        self.jar = jar
        let folder = (jar as NSString).deletingLastPathComponent
        let data = (folder.isEmpty ? "" : folder + "/") + "data/paraphrase-en.gz"
        guard isReadableFile(jar) else {
            throw MeteorError(.unreadable, jar, "no such file, or permission denied: want the path of meteor-1.5.jar")
        }
        guard isReadableFile(data) else {
            throw MeteorError(.unreadable, data, "no such file, or permission denied: METEOR reads it beside its jar")
        }
        let candidates = searchPath.split(separator: ":").map { "\($0)/java" }
        guard let java = candidates.first(where: { access($0, X_OK) == 0 && isReadableFile($0) }) else {
            throw MeteorError(
                .noJava, jar, "no java in PATH: install Java (Debian: default-jre-headless), or leave METEOR out")
        }
        self.java = java
    }

    /// METEOR of `images`, of which there is at least one.
    ///
    /// - Throws: `MeteorError` where the program fails; it has ended in any case.
    package func scores(of images: [Image]) async throws -> Scores {
        precondition(!images.isEmpty, "METEOR of no image")
        let isCancelled = Locked(false)
        return try await withTaskCancellationHandler {
            try await blocking { try scores(of: images) { isCancelled.withLock { $0 } } }
        } onCancel: {
            isCancelled.withLock { $0 = true }
        }
    }

    private func scores(of images: [Image], _ isCancelled: @escaping () -> Bool) throws -> Scores {
        var child: AnsweringProcess?
        defer { child?.end() }
        do throws(AnsweringProcess.Fault) {
            let program = try AnsweringProcess(
                [java, "-jar", "-Xmx2G", jar, "-", "-", "-stdio", "-l", "en", "-norm"], patience: patience,
                isCancelled: isCancelled)
            child = program
            return try scores(of: images, by: program)
        } catch {
            switch error {
            case .cancelled: throw CancellationError()
            case .malformed(let answer): throw MeteorError(.malformed, jar, "want figures, not \(answer)")
            case .endless: throw MeteorError(.malformed, jar, "want a figure a line, not an endless text")
            case .notStarted(let reason): throw MeteorError(.noJava, jar, "\(java) cannot be started: \(reason)")
            case .silent:
                throw MeteorError(.ended, jar, "\(java) did nothing for \(patience.components.seconds) s")
            case .ended: throw MeteorError(.ended, jar, "\(java) \(howEnded(child))")
            }
        }
    }

    private func scores(
        of images: [Image], by program: AnsweringProcess
    ) throws(AnsweringProcess.Fault) -> Scores {
        var tokenizer = PTBTokenizer()
        var (all, byDomain): ([String], [String: [String]]) = ([], [:])
        // 1. Each image's statistics.
        for image in images {
            let texts = (image.references + [image.caption]).map {
                Self.plain(tokenizer.words(of: $0).joined(separator: " "))
            }
            try program.tell((["SCORE"] + texts).joined(separator: Self.separator))
            let statistics = try program.answer().trimmingCharacters(in: .whitespaces)
            try Self.requireNumbers(statistics)
            all.append(statistics)
            if let domain = image.domain { byDomain[domain, default: []].append(statistics) }
        }
        // 2. The scores of many.
        let score = try Self.score(of: all, by: program)
        var scores: [String: Double] = [:]
        for (domain, statistics) in byDomain { scores[domain] = try Self.score(of: statistics, by: program) }
        return Scores(all: score, byDomain: scores)
    }

    private static let separator = " ||| "

    /// A text that holds no separator.
    ///
    /// The reference cleans a model's captions in this way, but not those of people, of which a separator makes two.
    private static func plain(_ text: String) -> String {
        text.replacing("|||", with: "").replacing("  ", with: " ")
    }

    /// The score of images with these statistics, for which the program says one of each and then that of all.
    private static func score(
        of statistics: [String], by program: AnsweringProcess
    ) throws(AnsweringProcess.Fault) -> Double {
        try program.tell((["EVAL"] + statistics).joined(separator: separator))
        var last = 0.0
        for _ in 0...statistics.count {
            let text = try program.answer().trimmingCharacters(in: .whitespaces)
            guard let score = Double(text), (0...1).contains(score) else { throw .malformed(shown(text)) }
            last = score
        }
        return last
    }

    private static func requireNumbers(_ text: String) throws(AnsweringProcess.Fault) {
        let numbers = text.split(separator: " ").map { Double($0) }
        guard !numbers.isEmpty, numbers.allSatisfy({ $0?.isFinite == true }) else { throw .malformed(shown(text)) }
    }

    private static func shown(_ text: String) -> String { "\"\(text.prefix(80))\"" }

    private func howEnded(_ child: AnsweringProcess?) -> String {
        guard let child else { return "ended" }
        let complaint = child.complaint
        let end = child.end()
        // One that lives is killed here.
        let how =
            end == -SIGKILL
            ? "was killed, or closed its pipes" : end < 0 ? "was killed by signal \(-end)" : "ended with code \(end)"
        return how + (complaint.isEmpty ? "" : ": \(complaint)")
    }
}

/// Whether `path` is a plain file that may be read.
private func isReadableFile(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
        && access(path, R_OK) == 0
}
