import Foundation
import FuzzTargets
import RandomNumbers
import TestSupport
import Testing

/// The corpus from which scripts/fuzz starts, and what becomes of it when bytes change: no parser may crash or hang.
@Suite("The parsers of bytes from elsewhere") struct CorpusTests {
    @Test(
        "end with values or errors on every file, changed or whole", .timeLimit(.minutes(5)),
        arguments: FuzzTarget.allCases)
    func corpus(_ target: FuzzTarget) throws {
        let folder = try Project.temporaryFolder("corpus\(target.rawValue)")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let seeds = Project.root + "/Tests/Goldens/fuzz/" + target.rawValue
        let names = try FileManager.default.contentsOfDirectory(atPath: seeds).sorted()
        #expect(!names.isEmpty)
        var random = SplitMix64(seed: 20_260)
        for name in names {
            let seed = [UInt8](try #require(FileManager.default.contents(atPath: "\(seeds)/\(name)")))
            target.run(seed, in: folder)
            for _ in 0..<60 { target.run(mutated(seed, using: &random), in: folder) }
        }
    }

    /// `bytes` with some changed, removed, doubled or made numbers at the edge of what is allowed.
    private func mutated(_ bytes: [UInt8], using random: inout SplitMix64) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: bytes.indices, using: &random)
            let end = min(bytes.count, place + Int.random(in: 1...8, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: for index in place..<end { bytes[index] = [0, 0x7f, 0xff].randomElement(using: &random) ?? 0 }
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
            default: bytes.removeSubrange(place...)
            }
        }
        return bytes
    }
}
