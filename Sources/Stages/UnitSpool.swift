import Foundation
import Locks
package import Samples
import Spools

/// Where the rows of one unit lie that are done, on disk; in memory each of them costs its place alone.
///
/// A lease writes a file of its own and reads those of the leases before: who had one of them may not know yet that it was
/// taken away, and still write there. Of each row the last record counts, and captions count that are of that record.
package actor UnitSpool {
    /// How far a row is.
    package enum RowState: Sendable, Hashable {
        case open
        case leftOut(Location, Rejection.Reason)
        /// The image is stored.
        case encoded(Location)
        /// It has captions too.
        case captioned(Location, captions: Location)
    }

    /// A record of one of the files.
    package struct Location: Sendable, Hashable {
        let file: Int32
        let place: SpoolPlace
    }

    package nonisolated let unit: WorkUnit
    private let folder: String
    private let executor: QueueExecutor
    private var files: [SpoolFile]
    private let own: SpoolFile
    private var end: Int
    private var rows: [RowState]
    private let counted: ScratchUse.Share

    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Blocks while it reads what former leases left.
    fileprivate init(
        _ folder: String, build: [UInt8], _ unit: WorkUnit, generation: Int, _ executor: QueueExecutor,
        _ use: ScratchUse
    ) throws {
        self.folder = folder
        self.executor = executor
        self.unit = unit
        let header = SpoolHeader(
            build: build, source: unit.source, firstRow: unit.firstRow, rowCount: unit.rowCount)
        var former = FormerSpools(rowCount: unit.rowCount)
        for (number, path) in try spools(in: folder, of: unit) where number < generation {
            // What cannot be read is done again.
            do { try former.read(path, header) } catch {}
        }
        (own, end) = try SpoolFile.create("\(folder)/\(unit.shardName).\(generation).spool", header)
        (files, rows) = (former.files + [own], former.rows)
        counted = ScratchUse.Share(of: use)
        counted.add(end + former.byteCount)
    }

    /// How far the row `number` is.
    package func state(of number: Int) -> RowState { rows[number] }

    /// The spool as it is read when every row is done.
    package var finished: SpooledUnit { SpooledUnit(unit: unit, files: files, rows: rows) }

    /// Adds the row `number`, whose image is stored.
    package func add(_ row: EncodedRow, number: Int) throws {
        rows[number] = .encoded(try write(SpoolRecord(row, number: number)))
    }

    /// Adds the row `number`, which is left out.
    package func add(_ row: LeftOutRow, number: Int) throws {
        rows[number] = .leftOut(try write(SpoolRecord(row, number: number)), row.rejection.reason)
    }

    /// Adds the captions of the row `number`, which was added before.
    package func add(_ captions: RowCaptions, number: Int) throws {
        guard case .encoded(let image) = rows[number] else { preconditionFailure("captions of a row without an image") }
        let record = SpoolRecord(captions, ofRecord: image.place.checksum, number: number)
        rows[number] = .captioned(image, captions: try write(record))
    }

    /// Notes that the rows that failed so far are to be tried again.
    package func retryFailures() throws { _ = try write(SpoolRecord(.retry, row: 0)) }

    /// The row `number`, whose image is stored.
    package func encodedRow(_ number: Int) throws -> EncodedRow { try finished.encodedRow(number) }

    /// Removes this spool and all former ones: the unit is published.
    package func remove() throws {
        for (_, path) in try spools(in: folder, of: unit) { try removeSpool(path) }
        counted.clear()
    }

    private func write(_ record: SpoolRecord) throws -> Location {
        let place = try own.write(record, at: end)
        end += place.byteCount
        counted.add(place.byteCount)
        return Location(file: Int32(files.count - 1), place: place)
    }
}

/// The spools of `unit` in `folder`, by generation.
private func spools(in folder: String, of unit: WorkUnit) throws -> [(generation: Int, path: String)] {
    let name = unit.shardName
    return try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { file in
        guard file.hasPrefix(name + "."), file.hasSuffix(".spool"),
            let generation = Int(file.dropFirst(name.count + 1).dropLast(".spool".count))
        else { return nil }
        return (generation, folder + "/" + file)
    }.sorted { $0.generation < $1.generation }
}

/// The spools of a worker: in one folder, written by one thread, which they may block.
package actor SpoolFolder {
    /// The folder of the spools.
    package nonisolated let path: String
    private let build: [UInt8]
    private let executor = QueueExecutor(label: "spool")
    package nonisolated let use = ScratchUse()

    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Spools of the build `build`, in a folder below `scratch` that is named after it.
    package init(scratch: String, build: ContentDigest) throws {
        path = "\(scratch)/\(Self.name(of: build))"
        self.build = build.bytes
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// The name of the folder for `build`.
    package static func name(of build: ContentDigest) -> String { "spools-\(build.hex.prefix(16))" }

    /// Removes what spools of `build` are left below `scratch`, once it is finished; they may hold nothing else up.
    package static func clear(scratch: String, build: ContentDigest) throws {
        let folder = "\(scratch)/\(name(of: build))"
        if FileManager.default.fileExists(atPath: folder) { try FileManager.default.removeItem(atPath: folder) }
    }

    /// Removes the folder with all that is in it, once the build is finished.
    package func remove() throws { try FileManager.default.removeItem(atPath: path) }

    /// The spool of `unit` under the lease `generation`, with what former leases left.
    package func spool(of unit: WorkUnit, generation: Int) throws -> UnitSpool {
        try UnitSpool(path, build: build, unit, generation: generation, executor, use)
    }
}

/// What the spools of former leases say, oldest first.
private struct FormerSpools {
    private(set) var files: [SpoolFile] = []
    private(set) var rows: [UnitSpool.RowState]
    private(set) var byteCount = 0
    /// The rows that failed, and were not wanted by the manifest to be left out.
    private var failed: Set<Int> = []

    init(rowCount: Int) { rows = [UnitSpool.RowState](repeating: .open, count: rowCount) }

    mutating func read(_ path: String, _ header: SpoolHeader) throws {
        guard let (file, start) = try SpoolFile.open(path, header) else { return }
        let number = Int32(files.count)
        files.append(file)
        byteCount += start
        try file.visit(from: start) { kind, row, fields, place in
            byteCount += place.byteCount
            take(kind, row, fields, UnitSpool.Location(file: number, place: place))
        }
    }

    private mutating func take(
        _ kind: SpoolRecord.Kind, _ row: Int, _ fields: [UInt8], _ location: UnitSpool.Location
    ) {
        if kind == .retry {
            for row in failed { rows[row] = .open }
            failed = []
        }
        guard kind != .retry, rows.indices.contains(row) else { return }
        switch kind {
        case .encoded:
            rows[row] = .encoded(location)
            failed.remove(row)
        case .leftOut:
            guard let reason = SpoolGlance.reason(fields) else { return }
            rows[row] = .leftOut(location, reason)
            if reason.isWanted { failed.remove(row) } else { failed.insert(row) }
        case .captions:
            guard case .encoded(let image) = rows[row], image.place.checksum == SpoolGlance.described(fields) else {
                return
            }
            rows[row] = .captioned(image, captions: location)
        case .retry: break
        }
    }
}

/// A unit of which every row is done, as it is read to be written as a shard.
package struct SpooledUnit: Sendable {
    let unit: WorkUnit
    fileprivate let files: [SpoolFile]
    fileprivate let rows: [UnitSpool.RowState]

    /// How far each row is.
    var states: [UnitSpool.RowState] { rows }

    /// The row `number`, which is done; a row without captions of its own has those that came with it.
    package func row(_ number: Int) throws -> FinishedRow {
        switch rows[number] {
        case .open: preconditionFailure("row \(number) is not done")
        case .leftOut(let place, _):
            guard let row = try record(place).leftOutRow(id(number)) else { throw damaged(place) }
            return .leftOut(row)
        case .encoded(let place):
            let row = try encodedRow(number)
            guard let captions = RowCaptions(given: row.origin.given) else { throw damaged(place) }
            return .kept(row, captions)
        case .captioned(_, let place):
            guard let captions = try record(place).captions else { throw damaged(place) }
            return .kept(try encodedRow(number), captions)
        }
    }

    func encodedRow(_ number: Int) throws -> EncodedRow {
        switch rows[number] {
        case .encoded(let place), .captioned(let place, _):
            guard let row = try record(place).encodedRow(id(number)) else { throw damaged(place) }
            return row
        case .open, .leftOut: preconditionFailure("row \(number) has no image")
        }
    }

    private func id(_ number: Int) -> SampleID { SampleID(source: unit.source, row: unit.firstRow + number) }
    private func record(_ location: UnitSpool.Location) throws -> SpoolRecord {
        try files[Int(location.file)].record(at: location.place)
    }
    private func damaged(_ location: UnitSpool.Location) -> SpoolError {
        SpoolError(.damaged, files[Int(location.file)].path, errno: 0)
    }
}

/// How many bytes the spools of a worker take.
package final class ScratchUse: Sendable {
    private let bytes = Locked(0)
    private let freed = Locked<@Sendable () -> Void>({})

    package init() {}

    /// Has `body` called whenever a spool is removed or let go.
    package func whenFreed(_ body: @escaping @Sendable () -> Void) { freed.withLock { $0 = body } }

    package var byteCount: Int { bytes.withLock { $0 } }

    /// What one unit takes.
    final class Share: Sendable {
        private let use: ScratchUse
        private let bytes = Locked(0)

        init(of use: ScratchUse) { self.use = use }
        deinit { clear() }

        func add(_ byteCount: Int) {
            bytes.withLock { $0 += byteCount }
            use.bytes.withLock { $0 += byteCount }
        }

        func clear() {
            let held = bytes.withLock { bytes in
                defer { bytes = 0 }
                return bytes
            }
            use.bytes.withLock { $0 -= held }
            use.freed.withLock { $0 }()
        }
    }
}
