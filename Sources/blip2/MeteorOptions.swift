import ArgumentParser
import Commands
import Manifests
import MeteorScoring
import TextMetrics

/// The program that computes METEOR.
struct MeteorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Also compute METEOR, by this meteor-1.5.jar of pycocoevalcap's, with data/paraphrase-en.gz beside it. Needs Java \
            and 2 GiB.
            """, valueName: "jar"))
    var meteor: String?

    /// The program; nil where none is asked for.
    func program() throws -> Meteor? {
        do {
            return try meteor.map { path throws(MeteorError) in try Meteor(jar: expandingHome(path)) }
        } catch {
            throw CommandError(error)
        }
    }
}

extension Meteor {
    /// Adds METEOR to the scores of `captions`; where one is missing, an empty one is scored.
    func score(
        _ references: CaptionReferences, _ captions: Predictions, in evaluation: inout CaptionEvaluation
    ) async throws {
        let images = references.images.map {
            Image(caption: captions.text(of: $0.id) ?? "", references: $0.captions, domain: $0.domain)
        }
        do {
            let scores = try await scores(of: images)
            evaluation.note(meteor: scores.all, byDomain: scores.byDomain)
        } catch let error as MeteorError {
            throw CommandError(error)
        }
    }
}

extension CommandError {
    /// Files are bad input; Java, and a program that ends, are a service that is not there.
    fileprivate init(_ error: MeteorError) {
        let code: Code =
            switch error.code {
            case .unreadable, .malformed: .badInput
            case .noJava, .ended: .unavailable
            }
        self.init(code, "\(error)")
    }
}
