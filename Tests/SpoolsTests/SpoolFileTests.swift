import Foundation
import Spools
import TestSupport
import Testing

@Suite("A spool file") struct SpoolFileTests {
    private let header = SpoolHeader(build: [UInt8](repeating: 7, count: 32), source: "s", firstRow: 40, rowCount: 9)

    private struct Seen: Equatable {
        let kind: SpoolRecord.Kind
        let row: Int
        let fields: [UInt8]
    }

    private let records = [
        SpoolRecord(.encoded, row: 3, fields: [1, 2, 3], image: (0..<200).map { UInt8($0) }),
        SpoolRecord(.leftOut, row: 0, fields: [9]), SpoolRecord(.captions, row: 3, fields: [4, 5, 6, 7]),
        SpoolRecord(.retry, row: 0), SpoolRecord(.encoded, row: 8, fields: [], image: [1]),
    ]

    /// Writes all records to a file; its bytes, and where each record ends.
    private func written(_ path: String) throws -> (bytes: [UInt8], ends: [Int]) {
        var (file, end) = try SpoolFile.create(path, header)
        var ends = [end]
        for record in records {
            let place = try file.write(record, at: end)
            end += place.byteCount
            ends.append(end)
            #expect(try file.record(at: place) == record)
        }
        return ([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))), ends)
    }

    /// What is read of a file that holds `bytes`; nil where it is no spool of this unit.
    private func read(_ bytes: [UInt8], _ path: String) throws -> [SpoolRecord]? {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        guard let (file, start) = try SpoolFile.open(path, header) else { return nil }
        var found: [SpoolRecord] = []
        var fault: (any Error)?
        try file.visit(from: start) { kind, row, fields, place in
            do {
                let record = try file.record(at: place)
                #expect(record.kind == kind && record.row == row && record.fields == fields)
                found.append(record)
            } catch {
                fault = error
            }
        }
        #expect(fault == nil)
        return found
    }

    @Test("cut off anywhere, holds the records that are whole before the cut")
    func cut() throws {
        let folder = try Project.temporaryFolder("spool")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (bytes, ends) = try written(folder + "/a")
        #expect(bytes.count == ends.last)
        for length in 0...bytes.count {
            let found = try read(Array(bytes.prefix(length)), folder + "/b")
            guard length >= ends[0] else {
                #expect(found == nil, "\(length) bytes")
                continue
            }
            let whole = ends.dropFirst().count { $0 <= length }
            #expect(found == Array(records.prefix(whole)), "\(length) bytes")
        }
    }

    @Test("with any bit wrong, holds the records before it and nothing else")
    func flipped() throws {
        let folder = try Project.temporaryFolder("spool")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (bytes, ends) = try written(folder + "/a")
        for place in bytes.indices {
            var damaged = bytes
            damaged[place] ^= 1 << UInt8(place % 8)
            let found = try read(damaged, folder + "/b")
            guard place >= ends[0] else {
                #expect(found == nil, "byte \(place)")
                continue
            }
            let whole = ends.dropFirst().count { $0 <= place }
            #expect(found == Array(records.prefix(whole)), "byte \(place)")
        }
    }

    @Test("is not another unit's, nor another build's")
    func strangers() throws {
        let folder = try Project.temporaryFolder("spool")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try written(folder + "/a")
        let others = [
            SpoolHeader(build: [UInt8](repeating: 8, count: 32), source: "s", firstRow: 40, rowCount: 9),
            SpoolHeader(build: header.build, source: "t", firstRow: 40, rowCount: 9),
            SpoolHeader(build: header.build, source: "s", firstRow: 49, rowCount: 9),
            SpoolHeader(build: header.build, source: "s", firstRow: 40, rowCount: 10),
        ]
        for other in others {
            let start = try SpoolFile.open(folder + "/a", other)?.start
            #expect(start == nil)
        }
        let start = try SpoolFile.open(folder + "/a", header)?.start
        #expect(start != nil)
    }

    @Test("says when a record is not what was written any more")
    func changed() throws {
        let folder = try Project.temporaryFolder("spool")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (file, end) = try SpoolFile.create(folder + "/a", header)
        let place = try file.write(records[0], at: end)
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: folder + "/a"))
        try handle.seek(toOffset: UInt64(end + 40))
        try handle.write(contentsOf: [99])
        #expect(throws: SpoolError.self) { try file.record(at: place) }
        try handle.truncate(atOffset: UInt64(end + 40))
        #expect(throws: SpoolError.self) { try file.record(at: place) }
    }
}
