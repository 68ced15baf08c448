import Archives
import Digests
import Fetching
import Foundation
import Images
import Manifests
import Samples
import SourceAdapters
import Stages
import TestSupport
import Testing

/// Fetches nothing: the images of these rows are at hand.
private struct NoFetcher: Fetcher {
    func fetch(_ url: String, observer: any FetchObserver) async -> Result<FetchedBody, FetchFailure> {
        .failure(FetchFailure(Rejection(.downloadError, "nothing is fetched here")))
    }
}

/// One row.
private struct SingleSource: SourceAdapter {
    let row: SourceRow
    func plan(unitRows: Int, limit: Int?, emit: (PlannedRange) throws -> Void) throws {}
    func reader(of unit: WorkUnit) throws(SourceError) -> any RowReader { Reader(row: row) }

    private struct Reader: RowReader {
        var row: SourceRow?
        mutating func next() throws(SourceError) -> ListedRow? {
            guard let row else { return nil }
            self.row = nil
            return ListedRow(id: row.id, url: "http://h/secret.jpg", outcome: .kept(row))
        }
    }
}

@Suite("ImageStage") struct ImageStageTests {
    private let picture = PixelImage(width: 16, height: 12, rgb: [UInt8](repeating: 90, count: 16 * 12 * 3))

    private func record(
        _ location: ImageLocation, facts: RowFacts = RowFacts(), excluded: DigestList = DigestList(),
        fetch: String = "retries: 0"
    ) async throws -> FinishedRow {
        let manifest = try Manifest(
            yaml: "{version: 1, name: n, fetch: {\(fetch)}, sources: [{name: s, format: laion, path: x}]}")
        let row = SourceRow(
            id: SampleID(source: "s", row: 0), sourceID: "7", location: location,
            captions: [Caption(text: "a caption", origin: .web)], facts: facts)
        let folder = try Project.temporaryFolder("row")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let gate = RowGate(.init(rows: 1, byteCount: 1 << 20))
        let runner = UnitRunner(
            images: ImageStage(manifest: manifest, fetcher: NoFetcher(), excluded: excluded), desk: nil, gate: gate,
            disk: DiskPause())
        let unit = WorkUnit(
            source: "s", index: 0, firstRow: 0, rowCount: 1, start: InputPosition(file: 0, offset: 0))
        let spools = try SpoolFolder(scratch: folder, build: digest(of: "build"))
        let inFlight = UnitInFlight(try await spools.spool(of: unit, generation: 1), UnitProgress())
        try await runner.run(inFlight, of: SingleSource(row: row))
        return try await inFlight.spool.finished.row(0)
    }

    @Test("takes an image from a folder, from a zip archive, and from the list itself")
    func places() async throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let png = try encodePNG(picture)
        try FileManager.default.createDirectory(atPath: folder + "/images", withIntermediateDirectories: true)
        try Data(png).write(to: URL(fileURLWithPath: folder + "/images/a.png"))
        try Data(png).write(to: URL(fileURLWithPath: folder + "/b.png"))
        let zip = "import sys, zipfile\nzipfile.ZipFile(sys.argv[1], 'w').write(sys.argv[2], 'in/b.png')"
        let made = try Program.run("/usr/bin/env", ["python3", "-c", zip, folder + "/i.zip", folder + "/b.png"])
        try #require(made.status == 0, "\(made.errors)")
        let roots = [folder + "/images", folder + "/i.zip"]
        for location in [ImageLocation.stored("a.png", in: roots), .stored("in/b.png", in: roots), .bytes(png)] {
            let record = try await record(location)
            #expect(record.rejection == nil && record.original == Size(width: 16, height: 12))
        }
        let missing = try await record(.stored("c.png", in: roots))
        #expect(
            missing.rejection?.reason == .downloadError && missing.rejection?.message.contains("image_root") == true)
        let large = try await record(.bytes(png), fetch: "max_bytes: 10")
        #expect(large.rejection?.reason == .tooLarge)
    }

    @Test("drops bytes that a list names by SHA-256 or MD5, and says nothing of them", arguments: [true, false])
    func excluded(bySHA256: Bool) async throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let png = try encodePNG(picture)
        let sum = bySHA256 ? digest(of: png).hex : md5(of: png)
        try "# known\n\(sum.uppercased())  some name\n".write(toFile: folder + "/l", atomically: false, encoding: .utf8)
        let record = try await record(.bytes(png), excluded: try DigestList(paths: [folder + "/l"]))
        #expect(record.rejection == Rejection(.excludedDigest, ""))
        #expect(
            record.origin.url.isEmpty && record.origin.given.isEmpty && record.sha256 == nil
                && record.origin.sourceID.isEmpty)
        let other = PixelImage(width: 16, height: 12, rgb: [UInt8](repeating: 91, count: 16 * 12 * 3))
        let kept = try await self.record(.bytes(encodePNG(other)), excluded: try DigestList(paths: [folder + "/l"]))
        #expect(kept.rejection == nil)
    }

    @Test("compares bytes with the digest of the list where the manifest says so")
    func verified() async throws {
        let png = try encodePNG(picture)
        var facts = RowFacts()
        facts.md5 = md5(of: png)
        facts.sha256 = digest(of: png).hex
        #expect(try await record(.bytes(png), facts: facts, fetch: "verify_digests: true").rejection == nil)
        facts.md5 = String(repeating: "0", count: 32)
        #expect(try await record(.bytes(png), facts: facts).rejection == nil)
        let record = try await record(.bytes(png), facts: facts, fetch: "verify_digests: true")
        #expect(record.rejection?.reason == .digestMismatch && record.image == nil)
        facts.unreadable = [.md5: "md5: a list, not text"]
        #expect(try await self.record(.bytes(png), facts: facts).rejection == nil)
        let unreadable = try await self.record(.bytes(png), facts: facts, fetch: "verify_digests: true")
        #expect(unreadable.rejection?.reason == .badRow)
    }

    @Test("blames no row when an archive of images cannot be read: the unit fails, and is tried again")
    func archiveGone() async throws {
        let error = await #expect(throws: ArchiveError.self) {
            try await record(.stored("a.png", in: ["/nowhere/images.zip"]))
        }
        #expect(error?.code == .unreadable)
    }

    @Test("names the line of a list of digests that is none")
    func badList() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "# one\nabc\n".write(toFile: folder + "/l", atomically: false, encoding: .utf8)
        let error = #expect(throws: SourceError.self) { try DigestList(paths: [folder + "/l"]) }
        #expect(error?.hint.hasPrefix("line 2") == true)
        try "PAR1....".write(toFile: folder + "/l", atomically: false, encoding: .utf8)
        let foreign = #expect(throws: SourceError.self) { try DigestList(paths: [folder + "/l"]) }
        #expect(foreign?.hint.contains("a Parquet file, not a list of digests") == true)
    }
}
