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
        try asCommandError { try meteor.map { try Meteor(jar: expandingHome($0)) } }
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
        let scores = try await asCommandError { try await self.scores(of: images) }
        evaluation.note(meteor: scores.all, byDomain: scores.byDomain)
    }
}

/// What `body` gives; a program that is missing or fails ends the command.
private func asCommandError<Value>(_ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let error as MeteorError {
        throw commandError(error)
    }
}

private func asCommandError<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch let error as MeteorError {
        throw commandError(error)
    }
}

/// Files are bad input; Java, and a program that ends, are a service that is not there.
private func commandError(_ error: MeteorError) -> CommandError {
    let code: CommandError.Code =
        switch error.code {
        case .unreadable, .malformed: .badInput
        case .noJava, .ended: .unavailable
        }
    return CommandError(code, "\(error)")
}
