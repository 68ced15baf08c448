import ArgumentParser
import Commands
import Demonstrations
import Foundation
import Manifests
import Samples
import Shards
import Storage

/// Says how many captions of a data set that was built from the demonstration are true.
struct JudgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge",
        abstract: "Count the true captions in a data set built from the demonstration.",
        discussion: """
            Reads every sample and compares its captions with the scene described in DEMO/truth.jsonl.

            EXAMPLE:
              pipeline judge out/quickstart/dataset --demo out/quickstart/demo
            """)

    @Argument(help: "The output directory.") var output: String
    @Option(help: ArgumentHelp("The folder that `pipeline demo` made.", valueName: "dir")) var demo: String
    @Flag(help: "Write JSON.") var json = false
    @OptionGroup var logs: LogOptions

    func run() async throws {
        let quality: CaptionQuality
        do {
            quality = try judge(Dataset(at: expandingHome(output)), scenes: scenes())
        } catch let error as StorageError {
            throw CommandError(.badInput, "\(error)")
        } catch let error as ShardError {
            throw CommandError(.badInput, "\(error)")
        }
        guard quality.images > 0 else { throw CommandError(.badInput, "\(output): no sample to judge") }
        if json { return try printResult(jsonText(quality)) }
        func line(_ label: String, _ part: Double, _ whole: Int) throws {
            let share = whole > 0 ? String(format: "%5.1f %%", 100 * part / Double(whole)) : "    –  "
            try printResult("\(share)  \(label)")
        }
        try printResult("\(quality.images) images")
        try line("have a true caption from the web", Double(quality.webTrue), quality.images)
        try line("have a true best caption", Double(quality.bestTrue), quality.images)
        try line("have only true captions among the kept", Double(quality.allKeptTrue), quality.images)
        try line("of the captioner's captions are true", Double(quality.madeTrue), quality.made)
        try line("of the pairs of a true and a false caption are ranked right", quality.pairsInOrder, quality.pairs)
        guard quality.pairs > 0 else { return }
        try printResult(
            String(format: "%7.3f  is how much higher true captions score", quality.marginSum / Double(quality.pairs))
        )
    }

    /// What the demonstration's images show, by their files.
    private func scenes() throws -> [String: Scene] {
        do {
            let rows = try DemoFolder(URL(fileURLWithPath: demo)).truth()
            return Dictionary(uniqueKeysWithValues: rows.compactMap { row in row.file.map { ($0, row.scene) } })
        } catch {
            throw CommandError(.badInput, "\(demo)/truth.jsonl: cannot be read: `pipeline demo` makes it")
        }
    }

    private func judge(_ dataset: Dataset, scenes: [String: Scene]) throws -> CaptionQuality {
        var quality = CaptionQuality()
        for shard in try dataset.readDescription().shards {
            let reader = try ShardReader(dataset.openShard(shard.name))
            while let sample = try reader.next() {
                try Task.checkCancellation()
                let facts = sample.metadata
                // In a list it is a path in the folder, or that behind the address of a server.
                let file = facts.url.split(separator: "/").suffix(2).joined(separator: "/")
                guard let scene = scenes[file] else {
                    throw CommandError(.badInput, "\(shard.name): \(facts.key): \(facts.url) is no image of \(demo)")
                }
                quality.add(
                    scene, web: facts.webCaption,
                    made: facts.candidates.filter { $0.origin == .blip }.map(\.text), kept: facts.captions.map(\.text),
                    candidates: facts.candidates.map { ($0.text, $0.score) })
            }
        }
        return quality
    }
}
