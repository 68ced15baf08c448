import Fetching
import Images
import Manifests
import Samples
import SourceAdapters
import Stages
import Synchronization
import TestSupport
import Testing

/// Serves one small image, after as many suspensions as the URL's number says; some URLs fail.
private struct FakeFetcher: Fetcher {
    let image: [UInt8]

    func fetch(_ url: String, observer: any FetchObserver) async -> Result<FetchedBody, FetchFailure> {
        let number = Int(url) ?? 0
        for _ in 0..<(number * 7919 % 23) { await Task.yield() }
        if number % 10 == 3 { return .failure(FetchFailure(Rejection(.httpError, "404"), httpStatus: 404)) }
        if number % 10 == 4 { return .success(FetchedBody(bytes: [1, 2, 3], httpStatus: 200, finalURL: url)) }
        return .success(FetchedBody(bytes: image, httpStatus: 200, finalURL: url))
    }
}

/// A list of rows 0, 1, 2, … whose URL is the row's number.
private struct CountingSource: SourceAdapter {
    let failsAt: Int?
    func plan(unitRows: Int, limit: Int?, emit: (PlannedRange) throws -> Void) throws {}
    func reader(of unit: WorkUnit) throws(SourceError) -> any RowReader {
        Reader(row: unit.firstRow, end: unit.firstRow + unit.rowCount, failsAt: failsAt)
    }

    private struct Reader: RowReader {
        var row: Int
        let end: Int
        let failsAt: Int?
        mutating func next() throws(SourceError) -> ListedRow? {
            guard row < end else { return nil }
            defer { row += 1 }
            if row == failsAt { throw SourceError(.changed, "list", "gone") }
            let id = SampleID(source: "s", row: row)
            let caption = Caption(text: "row \(row)", origin: .web)
            let listed = SourceRow(id: id, sourceID: "", location: .url("\(row)"), captions: [caption])
            return ListedRow(id: id, url: "\(row)", outcome: .kept(listed))
        }
    }
}

/// Captions that name the batch they were made in, so that a test sees the batches.
private final class FakeModels: Captioner, Ranker {
    struct Down: Error {}
    let imageSide = 8
    let fails: Bool
    let batches = Mutex<[[String]]>([])
    let images = Mutex<[ModelImage]>([])
    init(fails: Bool = false) { self.fails = fails }

    func caption(_ batch: [CaptionRequest], count: Int) async throws -> [[GeneratedCaption]] {
        if fails { throw Down() }
        batches.withLock { $0.append(batch.map(\.key)) }
        images.withLock { $0 += batch.map(\.image) }
        return batch.map { request in
            (0..<count).map { GeneratedCaption(text: "\(request.key) \($0)", tokens: [], logprob: 0) }
        }
    }

    func score(_ batch: [RankRequest]) async throws -> [[Double]] {
        images.withLock { $0 += batch.map(\.image) }
        return batch.map { $0.captions.map { $0.hasSuffix(" 7") ? 0.9 : $0.hasPrefix("row") ? 0.5 : 0.1 } }
    }
}

@Suite("UnitRunner") struct UnitRunnerTests {
    private let unit = WorkUnit(
        id: 0, source: "s", index: 0, firstRow: 100, rowCount: 60, start: InputPosition(file: 0, offset: 0))

    private func records(
        models: FakeModels?, window: Int = 16, budget: Int = 1 << 20, failsAt: Int? = nil,
        image: String = "size: 8", cut: Int = 0, areMadeByModels: Bool = false
    ) async throws -> [FinishedRow] {
        let manifest = try Manifest(
            yaml: "{version: 1, name: n, image: {\(image)}, sources: [{name: s, format: cc3m, path: x}]}")
        let picture = PixelImage(width: 16, height: 12, rgb: [UInt8](repeating: 90, count: 16 * 12 * 3))
        let runner = UnitRunner(
            images: ImageStage(
                manifest: manifest, fetcher: FakeFetcher(image: try encodePNG(picture).dropLast(cut).map { $0 }),
                views: models.map { _ in .init(captioner: 8, ranker: 8, areMadeByModels: areMadeByModels) }),
            bootstrap: models.map { BootstrapStage(manifest: manifest, captioner: $0, ranker: $0) },
            limits: .init(window: window, running: 8, batch: 4, batches: 2), budget: ByteBudget(limit: budget))
        let seen = Mutex<[FinishedRow]>([])
        try await runner.run(unit, of: CountingSource(failsAt: failsAt)) { record in seen.withLock { $0.append(record) }
        }
        return seen.withLock { $0 }
    }

    @Test("gives every row once, in order, with its image or its reason")
    func order() async throws {
        for window in [1, 3, 64] {
            let records = try await records(models: nil, window: window)
            #expect(records.map(\.origin.id.row) == Array(100..<160))
            for record in records {
                switch record.origin.id.row % 10 {
                case 3: #expect(record.rejection?.reason == .httpError && record.httpStatus == 404)
                case 4: #expect(record.rejection?.reason == .notAnImage && record.sha256 != nil)
                default:
                    #expect(
                        record.rejection == nil && record.captions?.kept.map(\.text) == ["row \(record.origin.id.row)"])
                    #expect(record.image?.size == Size(width: 11, height: 8) && record.image?.fileExtension == "jpg")
                }
            }
        }
    }

    @Test("keeps the bytes as fetched when nothing has to change, and only when they decode")
    func original() async throws {
        let picture = PixelImage(width: 16, height: 12, rgb: [UInt8](repeating: 90, count: 16 * 12 * 3))
        for models in [nil, FakeModels()] {
            let kept = try #require(try await records(models: models, image: "size: 12, format: original").first)
            #expect(kept.image?.bytes == (try encodePNG(picture)) && kept.image?.fileExtension == "png")
            let shrunk = try #require(try await records(models: models, image: "size: 8, format: original").first)
            #expect(shrunk.image?.fileExtension == "jpg" && shrunk.image?.size == Size(width: 11, height: 8))
            let cut = try #require(
                try await records(models: models, image: "size: 12, format: original", cut: 20).first)
            #expect(cut.rejection?.reason == .decodeError && cut.image == nil)
        }
    }

    @Test("forms the same batches of kept rows whatever the window and the memory")
    func batches() async throws {
        var reference: [[String]]?
        for (window, budget) in [(1, 1 << 20), (64, 1 << 20), (64, 1), (7, 2000)] {
            let models = FakeModels()
            _ = try await records(models: models, window: window, budget: budget)
            let batches = models.batches.withLock { $0 }.sorted { $0[0] < $1[0] }
            #expect(batches == reference ?? batches, "window \(window), budget \(budget)")
            #expect(batches.dropLast().allSatisfy { $0.count == 4 })
            reference = batches
        }
    }

    @Test("keeps the two best captions, with all candidates in the order made")
    func ranking() async throws {
        let record = try #require(try await records(models: FakeModels()).first)
        #expect(record.captions?.kept.map(\.text) == ["s-000000000100 7", "row 100"])
        #expect(record.captions?.kept.map(\.origin) == [.blip, .web])
        #expect(record.captions?.candidates.count == 11 && record.captions?.candidates.last?.origin == .web)
    }

    @Test("gives models their views, or the stored picture's pixels where they make the views themselves")
    func views() async throws {
        for areMadeByModels in [false, true] {
            let models = FakeModels()
            _ = try await records(models: models, areMadeByModels: areMadeByModels)
            let images = models.images.withLock { $0 }
            #expect(!images.isEmpty)
            for image in images {
                switch image {
                case .view(let pixels): #expect(!areMadeByModels && pixels.count == 8 * 8 * 3)
                case .source(let picture): #expect(areMadeByModels && picture.size == Size(width: 11, height: 8))
                }
            }
        }
    }

    @Test("a failing stage ends the unit, with no stage left waiting", .timeLimit(.minutes(1)))
    func failure() async {
        await #expect(throws: FakeModels.Down.self) { try await records(models: FakeModels(fails: true)) }
        await #expect(throws: SourceError.self) { try await records(models: FakeModels(), failsAt: 130) }
    }
}
