import Pickles
import Testing

@Suite("Pickles that are not PyTorch's", .timeLimit(.minutes(2))) struct HostilePickleTests {
    /// The error of an archive of the pickle `value`.
    private func fault(_ value: [UInt8]) -> PickleError? {
        let bytes = TestArchive(pickle: Pickled.whole(value)).bytes()
        return #expect(throws: PickleError.self) { try tensors(in: bytes) }
    }

    @Test(
        "ask for code, which is refused by its name",
        arguments: [
            ("os", "system"), ("builtins", "eval"), ("posix", "system"), ("torch", "load"), ("torch._utils", "_import"),
            ("collections", "defaultdict"), ("torch.storage", "_load_from_bytes"), ("numpy.core.multiarray", "scalar"),
            ("torch", "FloatTensor"), ("argparse", "Namespace"),
        ])
    func code(module: String, name: String) {
        let call = Pickled.tuple([Pickled.text("echo")]) + Array("R".utf8)
        let byName = [0x8c, UInt8(module.utf8.count)] + Array(module.utf8) + [0x8c, UInt8(name.utf8.count)]
        for global in [Pickled.global(module, name), byName + Array(name.utf8) + [0x93]] {
            let error = fault(global + call)
            #expect(error?.code == .refused)
            #expect(error?.message.contains("\(module).\(name)") == true)
        }
    }

    @Test("call what is known in a way that PyTorch does not, which is refused")
    func calls() {
        let (dictionary, tensor) = (Pickled.global("collections", "OrderedDict"), Pickled.tensor())
        let parameter = Pickled.global("torch._utils", "_rebuild_parameter")
        for value in [
            dictionary + Pickled.tuple([Pickled.text("x")]) + Array("R".utf8),
            Pickled.global("torch", "FloatStorage") + Array(")R".utf8),
            Pickled.global("torch._utils", "_rebuild_tensor_v2") + Array(")R".utf8),
            parameter + Pickled.tuple([Pickled.text("x"), [0x88], [0x4e]]) + Array("R".utf8),
            dictionary + dictionary + Array("R".utf8), Pickled.text("x") + Array(")R".utf8), Array("}]b".utf8),
            Array("]}b".utf8), tensor + Array("}b".utf8), Pickled.integer(3) + Array("Q".utf8),
        ] {
            #expect(fault(value)?.code == .badPickle)
        }
        // NEWOBJ, INST, OBJ, EXT1, PERSID, NEWOBJ_EX, BINBYTES, INT, BYTEARRAY8, NEXT_BUFFER
        for code in [0x81, 0x69, 0x6f, 0x82, 0x50, 0x92, 0x42, 0x49, 0x96, 0x97] as [UInt8] {
            #expect(fault(Array("}}".utf8) + [code, 1, 0x0a, 0x0a])?.message.contains("instruction \(code)") == true)
        }
    }

    @Test("have tensors outside their storage, or of overlapping elements, or of impossible sizes")
    func tensorsOutside() throws {
        let (half, most) = (1 << 62, Int.max)
        let cases: [(offset: Int, shape: [Int], strides: [Int])] = [
            (1, [2, 3], [3, 1]), (0, [2, 3], [4, 1]), (6, [1], [1]), (7, [0], [1]), (-1, [2, 3], [3, 1]), (0, [7], [1]),
            (0, [1 << 40], [0]), (0, [2, 3], [0, 1]), (0, [2, 2], [1, 1]), (0, [3, 2], [1, 2]), (0, [-2, 3], [3, 1]),
            (0, [2, 3], [-3, 1]), (0, [half, 4], [4, 1]), (0, [half, half], [half, 1]), (0, [2, 2], [most, 1]),
            (most, [2, 3], [3, 1]), (0, [half, half, 0], [1, 1, 1]), (0, [2, 3], [3]), (0, [6], []),
            (0, [Int](repeating: 1, count: 65), [Int](repeating: 1, count: 65)),
        ]
        for (offset, shape, strides) in cases {
            let bytes = Pickled.archive(Pickled.tensor(offset: offset, shape: shape, strides: strides))
            let error = #expect(throws: PickleError.self) { try tensors(in: bytes) }
            #expect(error?.code == .badTensor, "\(offset) \(shape) \(strides)")
        }
        for (offset, shape, strides) in [
            (0, [2, 3], [3, 1]), (0, [3, 2], [1, 3]), (2, [2, 2], [2, 1]), (5, [], []), (6, [0], [1]),
            (0, [1, 6], [99, 1]),
            (0, [0, 9], [9, 1]), (1, [2], [3]),
        ] {
            let bytes = Pickled.archive(Pickled.tensor(offset: offset, shape: shape, strides: strides))
            #expect(try tensors(in: bytes)["x"]?.tensor.shape == shape)
        }
        let large = Pickled.archive(Pickled.tensor(count: half, shape: [half], strides: [1]))
        #expect(throws: PickleError.self) { try tensors(in: large) }
        let negative = Pickled.archive(Pickled.tensor(count: -6))
        #expect(throws: PickleError.self) { try tensors(in: negative) }
    }

    @Test("use any memo indexes, and cost no memory by it")
    func memo() throws {
        let put = { (number: Int) in Array("r".utf8) + Pickled.index(number) }
        let tensor =
            Pickled.tensor() + put(0xffff_ffff) + Array("0".utf8) + Array("j".utf8) + Pickled.index(0xffff_ffff)
        #expect(try tensors(in: Pickled.archive(tensor)).keys.sorted() == ["x"])
        #expect(fault(Array("j".utf8) + Pickled.index(0xffff_fffe))?.message.contains("4294967294") == true)
        #expect(fault(Array("h".utf8) + [0])?.code == .badPickle)
        #expect(fault(Array("(q".utf8) + [0])?.code == .badPickle)
    }

    @Test("are nested without end, and end with an error, or are read without being followed")
    func nesting() throws {
        #expect(fault([UInt8](repeating: 0x28, count: 5000))?.code == .tooLarge)
        #expect(fault([UInt8](repeating: 0x5d, count: 3_000_000))?.code == .tooLarge)
        // A list in a list in a list, each put into the next by the memo, so that the stack stays low.
        let step = Array("]q\u{1}h\u{0}aq\u{0}0".utf8)
        let deep = Array("]q\u{0}0".utf8) + (0..<300_000).flatMap { _ in step }
        #expect(fault(deep + Array("}".utf8))?.message.contains("its keys: none") == true)
        // A dictionary that contains itself.
        let own = Array("}q\u{0}".utf8) + Pickled.text("model") + Array("h\u{0}s".utf8)
        #expect(fault(own)?.tensor == "model")
    }

    @Test("refer to one value very often (a billion laughs), which is read in no time")
    func laughs() throws {
        // Each list holds the one before twice: written out they would have 2^60 elements.
        var pickle = Array("]q\u{0}0".utf8)
        for _ in 0..<60 { pickle += Array("](h\u{0}h\u{0}eq\u{0}0".utf8) }
        #expect(fault(pickle + Array("h\u{0}".utf8))?.message.contains("no dictionary") == true)
        let dictionary = Pickled.dictionary([("x", Pickled.tensor()), ("y", Array("h\u{0}".utf8))])
        #expect(fault(pickle + dictionary)?.tensor == "y")
        // A tuple of a million times itself.
        let wide = Array("(".utf8) + [UInt8](repeating: 0x4e, count: 900_000) + Array("t".utf8)
        #expect(fault(wide)?.code == .badPickle)
    }

    @Test("grow a list one by one, in time proportional to it")
    func growth() {
        let appends = (0..<200_000).flatMap { _ in Array("h\u{0}a".utf8) }
        #expect(fault(Array("]q\u{0}".utf8) + appends)?.code == .badPickle)
        let items = Array("}q\u{0}".utf8) + Pickled.text("k") + Array("q\u{1}0".utf8)
        let pairs = (0..<200_000).flatMap { _ in Array("h\u{1}Ns".utf8) }
        #expect(fault(items + pairs)?.code == .badPickle)
    }

    @Test("say that texts or numbers are longer than they are, or than anyone needs")
    func lengths() {
        #expect(fault([0x58, 0xff, 0xff, 0xff, 0xff])?.code == .tooLarge)
        #expect(fault([0x8d] + [UInt8](repeating: 0xff, count: 8))?.code == .tooLarge)
        #expect(fault([0x58, 0xff, 0, 0, 0])?.code == .badPickle)
        #expect(fault([0x8c, 2, 0xc3, 0x28])?.code == .badPickle)
        #expect(fault([0x8a, 9] + [UInt8](repeating: 1, count: 9))?.code == .badPickle)
        #expect(fault([0x8b, 0xff, 0xff, 0xff, 0x7f])?.code == .badPickle)
        #expect(fault([0x95, 0xff, 0xff])?.code == .badPickle)
        #expect(fault([0x80, 9])?.code == .badPickle)
        #expect(fault(Array("c".utf8) + [UInt8](repeating: 0x61, count: 100_000))?.code == .badPickle)
        #expect(fault([UInt8](repeating: 0x4b, count: 65 << 20))?.code == .tooLarge)
        for empty in ["t", "0", "a", "s", "u", "e", "\u{85}", "R", "b", "Q", "2", "1", "(0", "}(a", "](u", "]N(0"] {
            #expect(fault(Array(empty.unicodeScalars.map { UInt8($0.value) }))?.code == .badPickle, "\(empty)")
        }
    }

    @Test("put values among the tensors that are none, or two of one name")
    func strangeDictionaries() {
        let tensor = Pickled.tensor()
        func code(_ pairs: [UInt8]) -> PickleError? {
            let bytes = TestArchive(
                pickle: Pickled.whole(pairs), storages: ["0": [UInt8](repeating: 0, count: 24)]
            ).bytes()
            return #expect(throws: PickleError.self) { try tensors(in: bytes) }
        }
        #expect(code(Pickled.dictionary([("x", tensor), ("n", Pickled.integer(1))]))?.tensor == "n")
        #expect(code(Pickled.dictionary([("x", tensor), ("x", tensor)]))?.message == "it is there twice")
        #expect(code(Array("}".utf8) + Pickled.integer(1) + tensor + Array("s".utf8))?.code == .badPickle)
        #expect(code(tensor)?.message.contains("no dictionary") == true)
        let inner = Pickled.dictionary([
            ("model", Pickled.dictionary([("x", tensor), ("n", [0x4e])])), ("epoch", [0x4e]),
        ])
        #expect(code(inner)?.tensor == "n")
    }
}

extension Pickled {
    static func index(_ value: Int) -> [UInt8] { number(value, 4) }
}
