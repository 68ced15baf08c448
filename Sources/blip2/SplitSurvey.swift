import Commands
import Loading
import Reports

/// How many of a data set's first samples have a caption that is split behind a mark.
///
/// A mark that is never found would be a setting that does nothing, which shows hours later, if at all.
struct SplitSurvey {
    /// So many samples are looked at, or all where there are fewer.
    private static let sampleCount = 1000

    private let marks: [String]
    private var samples = 0
    private var split = 0
    private var found: Set<String> = []

    /// Looks at the captions that may be shown of the first samples of `batches`; damaged samples are left to training.
    init(_ marks: [String], _ batches: BatchLoader) throws(LoadingError) {
        self.marks = marks
        let stream = batches.loader.samples(from: 0)
        for _ in 0..<min(Self.sampleCount, batches.loader.sampleCount) {
            let sample: TrainingSample
            do {
                sample = try stream.next()
            } catch {
                guard error.code == .sample else { throw error }
                continue
            }
            let captions =
                switch batches.captionChoice {
                case .kept: sample.captions
                case .best: [sample.captions[0]]
                case .web: [sample.webCaption]
                }
            add(captions.map { batches.clean?($0) ?? $0 })
        }
    }

    private mutating func add(_ captions: [String]) {
        let present = marks.filter { mark in captions.contains { $0.contains(mark) } }
        samples += 1
        if !present.isEmpty { split += 1 }
        found.formUnion(present)
    }

    /// What was found, in words; throws where a mark was not.
    func line() throws(CommandError) -> String {
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
