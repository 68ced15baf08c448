import Digests
import Fetching
import Foundation
import Images
import Locks
import Manifests
import Samples
import SourceAdapters
import Stages
import TestSupport

/// What a test's fetcher does before it answers.
typealias BeforeAnswer = @Sendable (_ row: Int, _ observer: any FetchObserver) async -> Void

/// Serves one small image; the URL is the row's number, and some numbers fail.
final class FakeFetcher: Fetcher {
    private let image: [UInt8]
    private let before: BeforeAnswer
    /// The rows that were asked for.
    let asked = Locked<[Int]>([])

    init(image: [UInt8], before: @escaping BeforeAnswer) { (self.image, self.before) = (image, before) }

    func fetch(_ url: String, observer: any FetchObserver) async -> Result<FetchedBody, FetchFailure> {
        let number = Int(url) ?? 0
        asked.withLock { $0.append(number) }
        await before(number, observer)
        if number % 10 == 3 { return .failure(FetchFailure(Rejection(.httpError, "404"), httpStatus: 404)) }
        if number % 10 == 4 { return .success(FetchedBody(bytes: [1, 2, 3], httpStatus: 200, finalURL: url)) }
        return .success(FetchedBody(bytes: image, httpStatus: 200, finalURL: url))
    }
}

/// A list of rows 0, 1, 2, … whose URL is the row's number.
struct CountingSource: SourceAdapter {
    var failsAt: Int?
    /// Every fifth row has no caption.
    var hasGaps = false
    func plan(unitRows: Int, limit: Int?, emit: (PlannedRange) throws -> Void) throws {}
    func reader(of unit: WorkUnit) throws(SourceError) -> any RowReader {
        Reader(row: unit.firstRow, end: unit.firstRow + unit.rowCount, source: self)
    }

    private struct Reader: RowReader {
        var row: Int
        let end: Int
        let source: CountingSource
        mutating func next() throws(SourceError) -> ListedRow? {
            guard row < end else { return nil }
            defer { row += 1 }
            if row == source.failsAt { throw SourceError(.changed, "list", "gone") }
            let id = SampleID(source: "s", row: row)
            let captions = source.hasGaps && row % 5 == 0 ? [] : [Caption(text: "row \(row)", origin: .web)]
            let listed = SourceRow(id: id, sourceID: "", location: .url("\(row)"), captions: captions)
            return ListedRow(id: id, url: "\(row)", outcome: .kept(listed))
        }
    }
}

/// Captions that name their image; a caption whose number is 7 is the best.
final class FakeModels: Captioner, Ranker {
    struct Down: Error {}
    let view = ImageView.squashed(side: 8)
    let fails: Bool
    let images = Locked<[[UInt8]]>([])
    let keys = Locked<[String]>([])
    init(fails: Bool = false) { self.fails = fails }

    func caption(
        _ batch: [CaptionRequest], count: Int, moved: @escaping @Sendable () -> Void
    ) async throws -> [[GeneratedCaption]] {
        if fails { throw Down() }
        images.withLock { $0 += batch.map(\.pixels) }
        keys.withLock { $0 += batch.map(\.key) }
        return batch.map { request in
            moved()
            return (0..<count).map { GeneratedCaption(text: "\(request.key) \($0)", tokens: [], logprob: 0) }
        }
    }

    func score(_ batch: [RankRequest], moved: @escaping @Sendable () -> Void) async throws -> [[Double]] {
        images.withLock { $0 += batch.map(\.pixels) }
        return batch.map { $0.captions.map { $0.hasSuffix(" 7") ? 0.9 : $0.hasPrefix("row") ? 0.5 : 0.1 } }
    }
}

/// A unit of 60 rows from row 100 on, and all that is needed to carry it to the end; its spools live in a folder.
struct TestFlow {
    static let picture = PixelImage(
        width: 16, height: 12, rgb: (0..<16 * 12 * 3).map { UInt8(truncatingIfNeeded: $0 &* 37) })

    let unit = WorkUnit(
        source: "s", index: 0, firstRow: 100, rowCount: 60, start: InputPosition(file: 0, offset: 0))
    let folder: String
    let manifest: Manifest
    let fetcher: FakeFetcher
    let spools: SpoolFolder
    let gate: RowGate
    let pulse = WorkerPulse()
    let disk: DiskPause
    let desk: CaptionDesk?
    let isBootstrapped: Bool

    init(
        models: FakeModels? = nil, window: Int = 16, bytes: Int = 1 << 20,
        image: String = "size: 8", cut: Int = 0, folder: String? = nil, build: String = "build",
        disk: DiskPause = DiskPause(), before: @escaping BeforeAnswer = { _, _ in }
    ) throws {
        self.folder = try folder ?? Project.temporaryFolder("flow")
        manifest = try Manifest(
            yaml: "{version: 1, name: n, image: {\(image)}, sources: [{name: s, format: cc3m, path: x}]}")
        fetcher = FakeFetcher(image: try encodePNG(Self.picture).dropLast(cut).map { $0 }, before: before)
        spools = try SpoolFolder(scratch: self.folder, build: digest(of: build))
        gate = RowGate(.init(rows: window, byteCount: bytes))
        self.disk = disk
        desk = models.map { [manifest, gate, pulse] in
            CaptionDesk(
                bootstrap: BootstrapStage(manifest: manifest, captioner: $0, ranker: $0),
                views: ViewStage(captioner: .squashed(side: 8), ranker: .shortestSideCropped(side: 8)), batch: 4,
                batches: 2, gate: gate, disk: disk,
                pulse: pulse)
        }
        isBootstrapped = models != nil
    }

    /// Carries the unit to its end under the lease `generation`.
    @discardableResult
    func run(
        generation: Int = 1, source: CountingSource = CountingSource(), progress: UnitProgress = UnitProgress()
    ) async throws -> UnitInFlight {
        let unit = UnitInFlight(try await spools.spool(of: unit, generation: generation), progress)
        let runner = UnitRunner(
            images: ImageStage(manifest: manifest, fetcher: fetcher, needsCaption: !isBootstrapped), desk: desk,
            gate: gate, disk: disk)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await runner.run(unit, of: source)
                return true
            }
            if let desk {
                group.addTask {
                    try await desk.run()
                    return false
                }
            }
            defer { group.cancelAll() }
            while let isDone = try await group.next(), !isDone {}
        }
        return unit
    }

    /// All rows as they are written.
    func rows(of unit: UnitInFlight) async throws -> [FinishedRow] {
        let spooled = await unit.spool.finished
        return try (0..<self.unit.rowCount).map(spooled.row)
    }

    /// Carries the unit to its end; all rows as they are written.
    func rows(generation: Int = 1, source: CountingSource = CountingSource()) async throws -> [FinishedRow] {
        try await rows(of: run(generation: generation, source: source))
    }
}
