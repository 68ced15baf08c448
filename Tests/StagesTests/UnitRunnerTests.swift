import Fetching
import Foundation
import Images
import Locks
import RandomNumbers
import Samples
import SourceAdapters
import Stages
import TestSupport
import Testing

@Suite("UnitRunner") struct UnitRunnerTests {
    @Test("gives every row once, in order, with its image or its reason")
    func order() async throws {
        for window in [1, 5, 64] {
            let rows = try await TestFlow(window: window).rows()
            #expect(rows.map(\.origin.id.row) == Array(100..<160))
            for row in rows {
                switch row.origin.id.row % 10 {
                case 3: #expect(row.rejection?.reason == .httpError && row.httpStatus == 404)
                case 4: #expect(row.rejection?.reason == .notAnImage && row.sha256 != nil)
                default:
                    #expect(row.rejection == nil && row.captions?.kept.map(\.text) == ["row \(row.origin.id.row)"])
                    #expect(row.image?.size == Size(width: 11, height: 8) && row.image?.fileExtension == "jpg")
                }
            }
        }
    }

    @Test("gives the same rows whatever comes first, and however small the bounds are", .timeLimit(.minutes(1)))
    func shuffled() async throws {
        let reference = try await TestFlow(models: FakeModels(), window: 1).rows()
        for seed in 0..<10 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            let pauses = (0..<200).map { _ in Int.random(in: 0...40, using: &random) }
            let bytes = [1, 500, 1 << 20].randomElement(using: &random) ?? 1
            let flow = try TestFlow(
                models: FakeModels(), window: Int.random(in: 1...60, using: &random), bytes: bytes
            ) { row, _ in
                for _ in 0..<pauses[row] { await Task.yield() }
            }
            #expect(try await flow.rows() == reference, "seed \(seed)")
        }
    }

    @Test("keeps the bytes as fetched when nothing has to change, and only when they decode")
    func original() async throws {
        let png = try encodePNG(TestFlow.picture)
        for isBootstrapped in [false, true] {
            func first(_ image: String, cut: Int = 0) async throws -> FinishedRow? {
                try await TestFlow(models: isBootstrapped ? FakeModels() : nil, image: image, cut: cut).rows().first
            }
            let kept = try #require(try await first("size: 12, format: original"))
            #expect(kept.image?.bytes == png && kept.image?.fileExtension == "png")
            let shrunk = try #require(try await first("size: 8, format: original"))
            #expect(shrunk.image?.fileExtension == "jpg" && shrunk.image?.size == Size(width: 11, height: 8))
            let cut = try #require(try await first("size: 12, format: original", cut: 20))
            #expect(cut.rejection?.reason == .decodeError && cut.image == nil)
        }
    }

    @Test("keeps the two best captions, with all candidates in the order made")
    func ranking() async throws {
        let row = try #require(try await TestFlow(models: FakeModels()).rows().first)
        #expect(row.captions?.kept.map(\.text) == ["s-000000000100 7", "row 100"])
        #expect(row.captions?.kept.map(\.origin) == [.blip, .web])
        #expect(row.captions?.candidates.count == 11 && row.captions?.candidates.last?.origin == .web)
    }

    @Test("shows models the picture that the shard holds: decoded in full from the stored bytes")
    func views() async throws {
        let models = FakeModels()
        let row = try #require(try await TestFlow(models: models).rows().first)
        let pixels = try decode(try #require(row.image).bytes, maxPixels: .max)
        let wanted = [ImageView.squashed(side: 8), .shortestSideCropped(side: 8)].map { $0(pixels).rgb }
        let seen = models.images.withLock { $0 }
        #expect(Set(seen) == Set(wanted))
        // What was resized, and not yet encoded, is another picture.
        let resized = resize(TestFlow.picture, ResizePlan(TestFlow.picture.size, mode: .shortestSide, size: 8))
        #expect(!seen.contains(ImageView.squashed(side: 8)(resized).rgb))
    }

    @Test("fetches no row that is left out whatever its image is")
    func noCaption() async throws {
        let flow = try TestFlow()
        let rows = try await flow.rows(source: CountingSource(hasGaps: true))
        for row in rows where row.origin.id.row % 5 == 0 {
            #expect(row.rejection?.reason == .badRow && row.rejection?.message.hasPrefix("no caption") == true)
        }
        #expect(Set(flow.fetcher.asked.withLock { $0 }) == Set((100..<160).filter { $0 % 5 != 0 }))
        // With models, the captioner may make one.
        let captioned = try await TestFlow(models: FakeModels()).rows(source: CountingSource(hasGaps: true))
        #expect(captioned[0].captions?.kept.map(\.text).first == "s-000000000100 7")
    }

    @Test("a failing stage ends the unit, with no stage left waiting", .timeLimit(.minutes(1)))
    func failure() async {
        await #expect(throws: FakeModels.Down.self) { try await TestFlow(models: FakeModels(fails: true)).run() }
        await #expect(throws: SourceError.self) {
            try await TestFlow(models: FakeModels()).run(source: CountingSource(failsAt: 130))
        }
    }

    @Test("rows that are put off hold up no other, and are not in the way of another unit", .timeLimit(.minutes(1)))
    func putOff() async throws {
        let released = Gate()
        let flow = try TestFlow(window: 60) { row, observer in
            guard row % 10 == 1 else { return }
            observer.putOff(until: .now + .seconds(60))
            observer.putOff(until: .now + .seconds(90))
            await released.wait()
            observer.resumed()
        }
        let progress = UnitProgress {}
        async let rows = flow.run(progress: progress)
        while !progress.isParked { await Task.yield() }
        // Six of each ten hundred rows wait: all others are done.
        #expect(progress.counts.rows == 54 && progress.hasStarted)
        var sighting = UnitProgress.Sighting()
        _ = progress.isAlive(since: &sighting)
        #expect(progress.isAlive(since: &sighting), "it waits until a time that it announced")
        #expect(!progress.isAlive(since: &sighting, now: .now + .seconds(100)), "that time has passed")
        released.open()
        let finished = try await flow.rows(of: rows)
        #expect(finished == (try await TestFlow().rows()))
    }

    @Test("that is cancelled ends at once, and records nothing of what was under way", .timeLimit(.minutes(1)))
    func cancelled() async throws {
        let started = Gate()
        let flow = try TestFlow(window: 4) { row, _ in
            guard row == 107 else { return }
            started.open()
            try? await Task.sleep(for: .seconds(3600))  // until it is cancelled
        }
        let task = Task { try await flow.run() }
        await started.wait()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let state = try await flow.spools.spool(of: flow.unit, generation: 2).state(of: 7)
        #expect(state == .open)
    }
}

/// Lets nobody through until it is opened.
final class Gate: Sendable {
    private let state = Locked((isOpen: false, waiting: [CheckedContinuation<Void, Never>]()))

    func open() {
        let waiting = state.withLock { state in
            defer { state = (true, []) }
            return state.waiting
        }
        for waiter in waiting { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
