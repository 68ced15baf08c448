import Pickles
import RandomNumbers
import Testing

@Suite("Archives of torch.save that lie", .timeLimit(.minutes(2))) struct HostileArchiveTests {
    private let good = TestArchive(
        pickle: Pickled.whole(Pickled.dictionary([("x", Pickled.tensor()), ("y", Pickled.tensor("1", count: 6))])),
        storages: ["0": [UInt8](repeating: 1, count: 24), "1": [UInt8](repeating: 2, count: 24)])

    private func fault(_ bytes: [UInt8]) -> PickleError? {
        #expect(throws: PickleError.self) { try tensors(in: bytes) }
    }

    @Test("an honest one is read, with and without ZIP64 fields, and with a comment")
    func honest() throws {
        var archives = [good, good, good, good]
        archives[1].isWide = true
        archives[2].hasWideRecord = false
        archives[3].comment = Array("a comment PK\u{5}\u{6}".utf8)
        for archive in archives {
            let bytes = archive.bytes()
            let places = try tensors(in: bytes)
            #expect(places.keys.sorted() == ["x", "y"])
            for (name, value) in [("x", UInt8(1)), ("y", 2)] {
                let place = try #require(places[name])
                #expect(place.tensor.shape == [2, 3])
                #expect(Array(bytes[place.bytes]) == [UInt8](repeating: value, count: 24))
            }
        }
    }

    @Test("one that is cut off anywhere is an error")
    func truncated() {
        let bytes = good.bytes()
        for count in 0..<bytes.count { _ = fault(Array(bytes[..<count])) }
        #expect(fault(Array(bytes[..<(bytes.count / 2)]))?.code == .truncated)
    }

    @Test("compressed and encrypted members are refused by name")
    func compressed() {
        var archive = good
        archive.members[1].method = 8
        #expect(fault(archive.bytes())?.message.contains("archive/data/0 is compressed") == true)
        archive = good
        archive.members[1].flags = 1
        #expect(fault(archive.bytes())?.message == "archive/data/0 is encrypted")
    }

    @Test("lies in the directory are found")
    func lies() {
        func expect(_ text: String, _ change: (inout TestArchive) -> Void) {
            var archive = good
            change(&archive)
            let found = fault(archive.bytes())
            #expect(found?.message.contains(text) == true, "\(text): \(found?.message ?? "no error")")
        }
        let size = good.bytes().count
        expect("is not where") { $0.members[1].directoryOffset = 3 }
        expect("is not where") { $0.members[1].directoryOffset = size - 10 }
        expect("is not where") { $0.members[1].directoryOffset = 0xffff_fff0 }
        expect("is not where") { $0.members[2].directorySize = size }
        expect("overlap") { $0.members[1].directorySize = 100 }
        expect("disagree") { $0.members[1].directoryName = "archive/data/9" }
        expect("disagree") { $0.members[1].directoryOffset = 0 }
        expect("two members are called") {
            $0.members[2].directoryName = "archive/data/0"; $0.members[2].name = "archive/data/0"
        }
        expect("disagree: 7 and 3") {
            $0.count = 7; $0.wideCount = 3
        }
        expect("says 7 members") { $0.count = 7 }
        expect("outside the file") { $0.directoryOffset = size + 1 }
        expect("damaged at byte") { $0.directoryOffset = 1 }
        expect("ZIP64 end record is damaged") { $0.wideOffset = .max }
        expect("disagree") { $0.wideOffset = 5 }
        expect("members data.pkl") { $0.members[0].name = "data.pkl" }
        expect("members data.pkl") { $0.members[1].name = "other/data.pkl" }
        expect("not in the archive") { $0.members[1].name = "archive/data/7" }
        expect("should have 6 elements of 4 bytes") { $0.members[1].data.removeLast() }
        expect("should have 6 elements of 4 bytes") { $0.members[1].data += [0, 0, 0, 0] }
        expect("not little-endian") { $0.members.append(.init(name: "archive/byteorder", data: Array("big".utf8))) }
        expect("TorchScript") { $0.members.append(.init(name: "archive/constants.pkl", data: [])) }
    }

    @Test("members that share bytes are refused: many tensors cannot be made of few bytes")
    func overlap() {
        var archive = good
        archive.members[2] = archive.members[1]
        archive.members[2].name = "archive/data/1"
        var bytes = archive.bytes()
        #expect(throws: Never.self) { try tensors(in: bytes) }
        archive.members[2].directoryOffset = good.members[0].data.count + 70  // inside member 1
        bytes = archive.bytes()
        #expect(fault(bytes) != nil)
    }

    @Test("changed bytes give values or errors, and places within the file")
    func changed() {
        let bytes = good.bytes()
        var random = SplitMix64(seed: 5)
        for _ in 0..<8000 {
            var other = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: other.indices, using: &random)
                other[place] =
                    [0, 1, 0x7f, 0x80, 0xff, UInt8.random(in: 0...255, using: &random)]
                    .randomElement(using: &random) ?? 0
            }
            guard let places = try? tensors(in: other) else { continue }
            for place in places.values {
                #expect(place.bytes.upperBound <= other.count)
                #expect(place.tensor.span * place.tensor.type.byteCount == place.bytes.count)
            }
        }
    }
}
