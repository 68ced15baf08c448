import Samples
import Storage
import Testing

@Suite("The names of a data set") struct DatasetLayoutTests {
    @Test(
        "are read back as they were written, beyond a million shards too",
        arguments: [0, 7, 999_999, 1_000_000, 12_345_678])
    func shardNames(number: Int) throws {
        let unit = WorkUnit(
            source: "a-b_1", index: number, firstRow: 0, rowCount: 1, start: InputPosition(file: 0, offset: 0))
        let name = try #require(ShardName(unit.shardName))
        #expect(name.source == "a-b_1" && name.number == number)
        let key = DatasetLayout.shard(unit.shardName)
        #expect(key.text == "shards/\(unit.shardName).tar.zst" && DatasetLayout.shardName(of: key) == unit.shardName)
        #expect(DatasetLayout.table(unit.shardName).text == "shards/\(unit.shardName).parquet")
        let made = DatasetLayout.scratchShard(unit.shardName, generation: 3)
        #expect(made.text == ".state/scratch/\(unit.shardName).3.tar.zst" && DatasetLayout.shardName(of: made) == nil)
    }

    @Test("are not what another number or none would be called")
    func otherNames() {
        for text in ["", "a", "-000001", "a-1", "a-0000001", "a-00000x", "a-", "a-99999999999999999999"] {
            #expect(ShardName(text) == nil, "\(text)")
        }
        for name in ["../x", "a/b", "a\0b", String(repeating: "x", count: 1020)] {
            #expect(!DatasetLayout.isShardName(name), "\(name)")
        }
    }

    @Test("of many shards are written in braces, each length of number by itself")
    func braces() {
        for (numbers, text) in [
            (0...0, "s-000000"), (3...12, "s-{000003..000012}"), (999_999...999_999, "s-999999"),
            (0...999_999, "s-{000000..999999}"), (0...1_000_000, "s-{{000000..999999},1000000}"),
            (999_999...1_000_002, "s-{999999,{1000000..1000002}}"), (2_000_000...2_000_001, "s-{2000000..2000001}"),
        ] { #expect(ShardName.braces("s", numbers) == text) }
    }
}
