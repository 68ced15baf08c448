import ArgumentParser

/// Evaluates models.
struct EvalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Measure how good a model is, on data sets built by the pipeline or as others distribute them.",
        subcommands: [EvalRetrievalCommand.self, EvalCaptioningCommand.self, EvalVQACommand.self])
}
