import Commands
import Digests
import Foundation
import Loading
import Manifests
import QuestionSets
import Reports
import Samples
import Storage
import TextMetrics

/// The questions of a run about the images of its sets.
struct RunQuestions: Sendable {
    /// Of each set.
    let training: [QuestionSet]
    let validation: QuestionSet?
    /// Of the files' contents, and of how answers are shown.
    let digest: String
    /// How many there are, in words.
    let lines: [String]

    /// Reads the questions that `settings` name; nil where they ask none.
    init?(_ settings: RunSettings) throws {
        guard let answers = settings.answers else { return nil }
        var (known, digests): ([String: Questions], [String]) = ([:], [answers.rawValue])
        func set(_ paths: [String], _ files: [RunSettings.QuestionFiles]?, drawsAnswers: Bool) throws -> QuestionSet {
            let files = try (files ?? []).map { file in
                let name = file.file + "\n" + (file.annotations ?? "")
                let questions = try known[name] ?? Self.read(file)
                known[name] = questions
                digests.append("\(try Self.digest(of: file)) \(file.weight)")
                return QuestionSet.File(file.file, questions.questions, weight: file.weight)
            }
            return try QuestionSet(
                files, about: paths.map(Dataset.init(at:)), seed: settings.seed, drawsAnswers: drawsAnswers
            ) { settings.captions.clean == .blip ? blipQuestion($0) : $0 }
        }
        training = try settings.data.sets.map {
            try set($0.paths, $0.questions ?? settings.data.questions, drawsAnswers: answers == .drawn)
        }
        digest = Digests.digest(of: digests.joined(separator: "\n")).hex
        validation = try settings.validation.map { try set($0.paths, $0.questions, drawsAnswers: false) }
        lines =
            training.enumerated().map { Self.line("data.sets[\($0)]", $1.counts) }
            + (validation.map { [Self.line("validation", $0.counts)] } ?? [])
    }

    private static func read(_ file: RunSettings.QuestionFiles) throws -> Questions {
        guard let annotations = file.annotations else { return try Questions(answered: file.file) }
        return try Questions(vqa: file.file, annotations: annotations)
    }

    private static func digest(of file: RunSettings.QuestionFiles) throws -> String {
        try ([file.file] + (file.annotations.map { [$0] } ?? [])).map { try Digests.digest(ofFile: $0).digest.hex }
            .joined(separator: " ")
    }

    private static func line(_ name: String, _ counts: QuestionSet.Counts) -> String {
        var parts = [
            "\(name): \(Figures.counted(counts.questions, "question")) about \(Figures.counted(counts.images, "image"))"
        ]
        if counts.questionsWithoutImage > 0 {
            parts.append("\(Figures.grouped(counts.questionsWithoutImage)) about images that are not there")
        }
        if counts.questionsWithoutAnswer > 0 {
            parts.append("\(Figures.grouped(counts.questionsWithoutAnswer)) without an answer")
        }
        if counts.imagesWithoutQuestion > 0 {
            let images = Figures.counted(counts.imagesWithoutQuestion, "image")
            parts.append("\(images) without a question left out")
        }
        return parts.joined(separator: "; ")
    }
}
