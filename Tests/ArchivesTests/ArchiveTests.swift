import Archives
import Foundation
import RandomNumbers
import TestSupport
import Testing

/// Writes a file with Python's archive modules, which are not the implementation that is tested.
private func withFile(_ name: String, _ script: String, _ body: (String) throws -> Void) throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/" + name
    let ended = try Program.run(
        "/usr/bin/env", ["python3", "-c", "import io, sys, tarfile, zipfile\npath = sys.argv[1]\n" + script, path])
    try #require(ended.status == 0, "\(ended.errors)")
    try body(path)
}

@Suite("A zip archive") struct ZipArchiveTests {
    @Test("knows a member by every spelling of its path that a folder knows")
    func spellings() throws {
        let script = """
            with zipfile.ZipFile(path, "w") as z:
                for name in ["./a/1.jpg", "b/2.jpg", "c//./3.jpg"]: z.writestr(name, name.encode())
            """
        try withFile("a.zip", script) { path in
            let archive = try ZipArchive(path)
            for (name, member) in [
                ("a/1.jpg", "./a/1.jpg"), ("./a/1.jpg", "./a/1.jpg"), ("./b/2.jpg", "b/2.jpg"), ("b//2.jpg", "b/2.jpg"),
                ("c/3.jpg", "c//./3.jpg"), ("c/./3.jpg", "c//./3.jpg"),
            ] {
                let bytes = try archive.read(name, byteLimit: 1000)
                #expect(bytes == Array(member.utf8), "\(name)")
            }
            let none = try archive.read("./c/4.jpg", byteLimit: 1000)
            #expect(none == nil)
        }
    }

    @Test("gives stored and deflated members by their names")
    func members() throws {
        let script = """
            with zipfile.ZipFile(path, "w") as z:
                z.writestr("val2014/a.jpg", b"stored" * 10)
                z.writestr("val2014/b.jpg", b"deflated" * 1000, zipfile.ZIP_DEFLATED)
                z.writestr("folder/", b"")
                z.comment = b"a comment behind the directory"
            """
        try withFile("a.zip", script) { path in
            let archive = try ZipArchive(path)
            #expect(archive.memberCount == 2)
            #expect(
                try archive.read("val2014/a.jpg", byteLimit: 1000) == Array(String(repeating: "stored", count: 10).utf8)
            )
            let deflated = try archive.read("val2014/b.jpg", byteLimit: 8000)
            #expect(deflated == Array(String(repeating: "deflated", count: 1000).utf8))
            #expect(try archive.read("c.jpg", byteLimit: 1) == nil)
            let error = #expect(throws: ArchiveError.self) { try archive.read("val2014/b.jpg", byteLimit: 7999) }
            #expect(error?.code == .tooLarge)
        }
    }

    @Test("is read where it lies beyond 4 GiB")
    func zip64() throws {
        // A hole of 5 GiB in front: the directory and a header have places that 32 bits do not hold.
        let script = """
            with open(path, "wb") as f:
                f.truncate(5 << 30)
                f.seek(0, 2)
                with zipfile.ZipFile(f, "w", allowZip64=True) as z:
                    z.writestr("train2014/far.jpg", b"far away")
            """
        try withFile("a.zip", script) { path in
            let bytes = try ZipArchive(path).read("train2014/far.jpg", byteLimit: 100)
            #expect(bytes == Array("far away".utf8))
        }
    }

    @Test("that was changed or cut is refused, never misread")
    func damage() throws {
        let script = """
            with zipfile.ZipFile(path, "w") as z:
                for i in range(20): z.writestr(f"{i}.jpg", bytes([i]) * 100, zipfile.ZIP_DEFLATED if i % 2 else 0)
            """
        try withFile("a.zip", script) { path in
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            let names = (0..<20).map { "\($0).jpg" }
            for seed in UInt64(0)..<300 {
                var random = SplitMix64(seed: seed)
                var bytes = whole
                if seed % 3 == 0 {
                    bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random))
                } else {
                    for _ in 0..<Int.random(in: 1...4, using: &random) {
                        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
                    }
                }
                try bytes.write(to: URL(fileURLWithPath: path))
                guard let archive = try? ZipArchive(path) else { continue }  // refused, which is right
                for (index, name) in names.enumerated() {
                    guard let read = try? archive.read(name, byteLimit: 1000) else { continue }
                    #expect(read == [UInt8](repeating: UInt8(index), count: 100), "seed \(seed)")
                }
            }
        }
    }

    @Test("that hides a gigabyte in a few kilobytes gives no more than was asked for")
    func bomb() throws {
        let script = """
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z: z.writestr("a.jpg", b"\\0" * (64 << 20))
            """
        try withFile("a.zip", script) { path in
            let archive = try ZipArchive(path)
            let error = #expect(throws: ArchiveError.self) { try archive.read("a.jpg", byteLimit: 1 << 20) }
            #expect(error?.code == .tooLarge)
        }
    }
}

@Suite("A tar") struct TarReaderTests {
    @Test("gives its members in order, plain and compressed, with names of any length", arguments: ["tar", "tar.gz"])
    func members(ending: String) throws {
        let script = """
            with tarfile.open(path, "w:gz" if path.endswith("gz") else "w") as t:
                for name in ["a.jpg", "x" * 300 + "/b.jpg", "ü.jpg"]:
                    info = tarfile.TarInfo(name); info.size = 5; t.addfile(info, io.BytesIO(b"bytes"))
                info = tarfile.TarInfo("link"); info.type = tarfile.SYMTYPE; info.linkname = "/etc/passwd"; t.addfile(info)
            """
        try withFile("a." + ending, script) { path in
            let tar = try TarReader(path)
            var names: [String] = []
            var kinds: [TarReader.Member.Kind] = []
            while let member = try tar.next() {
                names.append(member.name)
                kinds.append(member.kind)
                if member.kind == .file { #expect(try tar.read(member, byteLimit: 5) == Array("bytes".utf8)) }
            }
            #expect(names == ["a.jpg", String(repeating: "x", count: 300) + "/b.jpg", "ü.jpg", "link"])
            #expect(kinds == [.file, .file, .file, .other])
            #expect(tar.isCompressed == (ending != "tar"))
        }
    }

    @Test("is entered at the offset of any member")
    func offsets() throws {
        let script = """
            with tarfile.open(path, "w") as t:
                for i in range(9):
                    name = ("y" * 200 if i % 2 else "") + str(i)
                    info = tarfile.TarInfo(name); info.size = i * 300; t.addfile(info, io.BytesIO(bytes([i]) * info.size))
            """
        try withFile("a.tar", script) { path in
            let tar = try TarReader(path)
            var members: [TarReader.Member] = []
            while let member = try tar.next() { members.append(member) }
            #expect(members.count == 9)
            for (number, member) in members.enumerated() {
                let entered = try TarReader(path, at: member.offset)
                let found = try #require(try entered.next())
                #expect(found.name == member.name && found.offset == member.offset)
                let bytes = [UInt8](repeating: UInt8(number), count: number * 300)
                #expect(try entered.read(found, byteLimit: 10_000) == bytes)
            }
        }
    }

    @Test("that the disk does not give is not called damaged")
    func disk() throws {
        // A plain file of which nothing can be read: the first page of a process is never there.
        let tar = try TarReader("/proc/self/mem")
        let error = #expect(throws: ArchiveError.self) { try tar.next() }
        #expect(error?.code == .unreadable && error?.isOfSystem == true, "\(String(describing: error))")
        let unpacking = #expect(throws: ArchiveError.self) { try unpack("/proc/self/mem", to: "/nowhere") }
        #expect(unpacking?.code == .unreadable)
    }

    @Test("or a zip, or a list to unpack, is never a pipe that is waited for", .timeLimit(.minutes(1)))
    func pipe() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/pipe"
        try #require(mkfifo(path, 0o600) == 0)
        let uses: [() throws -> Void] = [
            { _ = try TarReader(path) }, { _ = try ZipArchive(path) }, { _ = try isCompressed(path) },
            { try unpack(path, to: folder + "/to") }, { try recode(path, from: "big5", to: folder + "/to") },
        ]
        for use in uses {
            let error = #expect(throws: ArchiveError.self) { try use() }
            #expect(error?.detail == "not a plain file")
        }
    }

    @Test("that is cut says so behind what is whole")
    func cut() throws {
        let script = """
            with tarfile.open(path, "w") as t:
                for i in range(3):
                    info = tarfile.TarInfo(f"{i}.jpg"); info.size = 1000; t.addfile(info, io.BytesIO(b"x" * 1000))
            with open(path, "r+b") as f: f.truncate(2 * 1536 + 700)
            """
        try withFile("a.tar", script) { path in
            let tar = try TarReader(path)
            #expect(try tar.next()?.name == "0.jpg")
            #expect(try tar.next()?.name == "1.jpg")
            let last = try #require(try tar.next())
            #expect(throws: ArchiveError.self) { try tar.read(last, byteLimit: 1000) }
        }
    }
}

@Suite("A text in another encoding") struct RecodeTests {
    @Test(
        "becomes the UTF-8 that Python makes of it, however long it is",
        arguments: [
            "windows-1252", "utf-16", "utf-16le", "utf-16be", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr",
        ])
    func python(_ encoding: String) throws {
        let script = """
            letters = {"windows-1252": "aé€“ÿ\\n", "big5": "a貓中\\n", "euc-kr": "a고양\\n", "shift_jis": "a猫ｱ\\n", "euc-jp": "a猫か\\n"}
            text = letters.get("\(encoding)", "aé猫😀\\n") * 250001
            open(path, "wb").write(text.encode("\(encoding)"))
            open(path + ".utf8", "wb").write(text.encode())
            """
        try withFile("t.txt", script) { (path: String) throws in
            try recode(path, from: encoding, to: path + ".made")
            #expect(FileManager.default.contentsEqual(atPath: path + ".made", andPath: path + ".utf8"))
        }
    }

    @Test("of UTF-16 loses no letter but the broken one", arguments: ["utf-16", "utf-16le", "utf-16be"])
    func brokenUnits(_ encoding: String) throws {
        // Halves of pairs alone, two of them at the place where a block ends, and half a unit behind the last.
        let script = """
            order = "be" if "\(encoding)" == "utf-16be" else "le"
            mark = b"\\xff\\xfe" if "\(encoding)" == "utf-16" else b""
            text = "a\\udc00猫" * 200001 + "\\ud83d" + "b" + "\\udc00\\udc00" + "c"
            open(path, "wb").write(mark + text.encode("utf-16-" + order, "surrogatepass") + b"x")
            """
        try withFile("t.txt", script) { (path: String) throws in
            try recode(path, from: encoding, to: path + ".made")
            let made = try String(contentsOfFile: path + ".made", encoding: .utf8)
            let wanted = String(repeating: "a\u{fffd}猫", count: 200_001) + "\u{fffd}b\u{fffd}\u{fffd}c\u{fffd}"
            let isRight = made == wanted  // a megabyte, which no message should show
            #expect(isRight)
        }
    }

    @Test("has U+FFFD for bytes that the encoding does not have, at its end too")
    func broken() throws {
        try withFile("t.txt", "open(path, 'wb').write(b'a\\xff\\xffb\\xb0')") { (path: String) throws in
            try recode(path, from: "euc-kr", to: path + ".made")
            let made = try String(contentsOfFile: path + ".made", encoding: .utf8)
            #expect(made == "a\u{fffd}\u{fffd}b\u{fffd}")
            let error = #expect(throws: ArchiveError.self) { try recode(path, from: "klingon", to: path + ".made") }
            #expect(error?.code == .unsupported)
        }
    }

    @Test("or compression is known by its bytes, whatever the name")
    func compressed() throws {
        let script = """
            import gzip, bz2, lzma
            for name, data in [("gz", gzip.compress(b"x")), ("bz2", bz2.compress(b"x")), ("xz", lzma.compress(b"x")), ("no", b"url"), ("empty", b"")]:
                open(path + name, "wb").write(data)
            """
        try withFile("list", script) { (path: String) throws in
            let found = try ["gz", "bz2", "xz", "no", "empty"].map { try isCompressed(path + $0) }
            #expect(found == [true, true, true, false, false])
        }
    }
}
