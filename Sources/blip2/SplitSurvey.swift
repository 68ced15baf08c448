import BLIP2Training
import Commands
import Loading
import Manifests
import Reports

/// How many of a data set's first samples have a caption that is split behind a mark.
///
/// A mark that is never found would say nothing, and captions would be split as if it were not there.
struct SplitSurvey {
    /// So many samples are looked at, or all where there are fewer.
    static let sampleCount = 1000

    private let marks: [String]
    private(set) var samples = 0
    private var split = 0
    private var found: Set<String> = []

    init(marks: [String]) { self.marks = marks }

    /// Looks at the first samples of `batches`, as `use` chooses captions; a damaged one is left to training.
    init(marks: [String], _ batches: BatchLoader, _ use: RunSettings.Captions.Use) {
        self.init(marks: marks)
        let stream = batches.loader.samples(from: 0)
        for _ in 0..<min(Self.sampleCount, batches.loader.sampleCount) {
            guard let sample = try? stream.next() else { continue }
            let captions =
                switch use {
                case .kept: sample.captions
                case .best: Array(sample.captions.prefix(1))
                case .web: [sample.webCaption]
                }
            add(captions.map { batches.clean?($0) ?? $0 })
        }
    }

    /// Adds a sample with `captions`, as the model is shown them.
    mutating func add(_ captions: [String]) {
        samples += 1
        found.formUnion(marks.filter { mark in captions.contains { $0.contains(mark) } })
        if captions.contains(where: { $0.end(ofFirst: marks) != nil }) { split += 1 }
    }

    /// What was found, in words; throws where a mark was not.
    func line() throws -> String {
        let looked = "the first \(Figures.counted(samples, "sample"))"
        if let unknown = marks.first(where: { !found.contains($0) }) {
            throw CommandError(
                .badInput,
                "language_model.split_after: \(unknown.debugDescription) is in no caption of \(looked); correct it, leave it "
                    + "out, or set captions.clean to none: blip takes punctuation and capital letters away")
        }
        return "captions split behind \(marks.map(\.debugDescription).joined(separator: " or ")): in "
            + "\(Figures.grouped(split)) of \(looked)"
    }
}
