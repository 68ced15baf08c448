import Foundation
import Samples
import SourceAdapters
import TestSupport
import Testing

@Suite("A damaged tar") struct DamagedTarTests {
    /// Writes five samples of an image and a text, the third's text of `textLength` bytes, cut to `length` bytes.
    private func withTar(
        _ name: String = "a.tar", imageLength: Int = 2000, textLength: Int = 5, length: Int? = nil,
        _ body: (WebDatasetSource) throws -> Void
    ) throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = "\(folder)/\(name)"
        let script = """
            import io, os, sys, tarfile
            path, image, text = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
            with tarfile.open(path, "w:gz" if path.endswith("gz") else "w", format=tarfile.USTAR_FORMAT) as t:
                for i in range(5):
                    for ending, data in [("jpg", os.urandom(image)), ("txt", b"x" * (text if i == 2 else 5))]:
                        info = tarfile.TarInfo(f"{i}.{ending}"); info.size = len(data); t.addfile(info, io.BytesIO(data))
            """
        let made = try Program.run("/usr/bin/env", ["python3", "-c", script, path, "\(imageLength)", "\(textLength)"])
        try #require(made.status == 0, "\(made.errors)")
        if let length {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            try bytes.prefix(length).write(to: URL(fileURLWithPath: path))
        }
        try body(WebDatasetSource(name: "s", paths: [path]))
    }

    private func isKept(_ rows: [ListedRow]) -> [Bool] {
        rows.map { row in
            if case .kept = row.outcome { return true }
            return false
        }
    }

    // A sample has 4,096 bytes: two headers of 512, an image of 2,048 and a text of 512.
    @Test(
        "gives what is whole and a row that tells of the end, the same rows whatever the unit size",
        arguments: [3 * 4096 + 100, 3 * 4096 + 1000, 3 * 4096 + 512 + 2048 + 100, 3 * 4096 + 512 + 2048 + 514])
    func cut(length: Int) throws {
        try withTar(length: length) { source in
            let whole = try readAll(source, unitRows: 100)
            #expect(whole.count >= 4 && isKept(Array(whole.prefix(3))) == [true, true, true])
            #expect(isKept(whole).last == false)
            for unitRows in 1...whole.count {
                #expect(try isKept(readAll(source, unitRows: unitRows)) == isKept(whole), "\(unitRows)")
            }
        }
    }

    @Test("that was compressed and cut says so, and loses nothing silently")
    func compressed() throws {
        try withTar("a.tar.gz", imageLength: 300_000, length: 1_000_000) { source in
            let whole = try readAll(source, unitRows: 100)
            #expect(isKept(whole).last == false && isKept(whole).first == true)
            for unitRows in 1...3 { #expect(try isKept(readAll(source, unitRows: unitRows)) == isKept(whole)) }
        }
    }

    @Test("with one text too long loses one sample")
    func longText() throws {
        try withTar(textLength: 2 << 20) { source in
            for unitRows in [1, 2, 5] {
                let rows = try readAll(source, unitRows: unitRows)
                #expect(isKept(rows) == [true, true, false, true, true], "\(unitRows)")
            }
        }
    }
}
