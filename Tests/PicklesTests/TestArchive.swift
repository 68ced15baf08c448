import Pickles

/// A zip archive as `torch.save` writes it, of parts that a test may put wrong.
struct TestArchive {
    struct Member {
        var name: String
        var data: [UInt8]
        var method = 0
        var flags = 0x0808
        /// What the directory says in place of the truth.
        var directorySize: Int?
        var directoryOffset: Int?
        var directoryName: String?
    }

    var members: [Member]
    /// What the end records say in place of the truth.
    var count: Int?
    var wideCount: Int?
    var directoryOffset: Int?
    var wideOffset: UInt64?
    var hasWideRecord = true
    /// Put all numbers of the directory into ZIP64 fields.
    var isWide = false
    var comment: [UInt8] = []

    /// The archive of a pickle and its storages.
    init(pickle: [UInt8], storages: [String: [UInt8]] = [:]) {
        members = [Member(name: "archive/data.pkl", data: pickle)]
        members += storages.sorted { $0.key < $1.key }.map { Member(name: "archive/data/\($0.key)", data: $0.value) }
    }

    func bytes() -> [UInt8] {
        var (out, directory): ([UInt8], [UInt8]) = ([], [])
        for member in members {
            let (offset, name) = (out.count, Array(member.name.utf8))
            out += number(0x0403_4b50, 4) + number(0, 2) + number(member.flags, 2) + number(member.method, 2)
            out += number(0, 16) + number(name.count, 2) + number(0, 2) + name + member.data
            out += number(0x0807_4b50, 4) + number(0, 4) + number(member.data.count, 8) + number(member.data.count, 8)
            let size = member.directorySize ?? member.data.count
            let place = member.directoryOffset ?? offset
            let listed = Array((member.directoryName ?? member.name).utf8)
            let extra =
                isWide ? number(1, 2) + number(24, 2) + number(size, 8) + number(size, 8) + number(place, 8) : []
            directory += number(0x0201_4b50, 4) + number(0, 4) + number(member.flags, 2) + number(member.method, 2)
            directory += number(0, 8) + number(isWide ? 0xffff_ffff : size, 4)
            directory += number(isWide ? 0xffff_ffff : size, 4) + number(listed.count, 2) + number(extra.count, 2)
            directory += number(0, 10) + number(isWide ? 0xffff_ffff : place, 4) + listed + extra
        }
        let start = out.count
        out += directory
        let record = out.count
        if hasWideRecord {
            out += number(0x0606_4b50, 4) + number(44, 8) + number(0x2d_031e, 4) + number(0, 8)
            out +=
                number(members.count, 8) + number(wideCount ?? count ?? members.count, 8) + number(directory.count, 8)
            out +=
                wideOffset.map { offset in (0..<8).map { UInt8(truncatingIfNeeded: offset >> (8 * $0)) } }
                ?? number(directoryOffset ?? start, 8)
            out += number(0x0706_4b50, 4) + number(0, 4) + number(record, 8) + number(1, 4)
        }
        out += number(0x0605_4b50, 4) + number(0, 4) + number(count ?? members.count, 2)
        out += number(isWide ? 0xffff : count ?? members.count, 2) + number(isWide ? 0xffff_ffff : directory.count, 4)
        out += number(isWide ? 0xffff_ffff : directoryOffset ?? start, 4) + number(comment.count, 2) + comment
        return out
    }
}

/// `value` in `count` bytes, the lowest first.
func number(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { $0 < 8 ? UInt8(truncatingIfNeeded: value >> (8 * $0)) : 0 }
}

/// What is read of a file of `bytes`.
func tensors(in bytes: [UInt8]) throws(PickleError) -> [String: PickledTensors.Place] {
    try PickledTensors(byteCount: bytes.count) { Array(bytes[$0]) }.places
}

/// Instructions of a pickle.
enum Pickled {
    static func text(_ text: String) -> [UInt8] { [0x58] + number(text.utf8.count, 4) + Array(text.utf8) }

    static func integer(_ value: Int) -> [UInt8] { [0x8a, 8] + number(value, 8) }

    static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }

    static func tuple(_ parts: [[UInt8]]) -> [UInt8] { Array("(".utf8) + parts.joined() + Array("t".utf8) }

    static func integers(_ values: [Int]) -> [UInt8] { tuple(values.map(integer)) }

    static func tensor(
        _ key: String = "0", type: String = "FloatStorage", count: Int = 6, offset: Int = 0, shape: [Int] = [2, 3],
        strides: [Int] = [3, 1]
    ) -> [UInt8] {
        let storage = tuple([text("storage"), global("torch", type), text(key), text("cpu"), integer(count)])
        let hooks = global("collections", "OrderedDict") + Array(")R".utf8)
        return global("torch._utils", "_rebuild_tensor_v2")
            + tuple([storage + Array("Q".utf8), integer(offset), integers(shape), integers(strides), [0x89], hooks])
            + Array("R".utf8)
    }

    static func dictionary(_ pairs: [(String, [UInt8])]) -> [UInt8] {
        Array("}(".utf8) + pairs.flatMap { text($0.0) + $0.1 } + Array("u".utf8)
    }

    /// The whole pickle of a value.
    static func whole(_ value: [UInt8]) -> [UInt8] { [0x80, 2] + value + Array(".".utf8) }

    /// An archive of the pickle of a dictionary with the tensor `instructions` of the storage 0, which has six floats.
    static func archive(_ instructions: [UInt8]) -> [UInt8] {
        TestArchive(pickle: whole(dictionary([("x", instructions)])), storages: ["0": [UInt8](repeating: 0, count: 24)])
            .bytes()
    }
}
