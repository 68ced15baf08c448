import Foundation
import TestSupport
import Testing

@Suite("A file for LAVIS, by command") struct LAVISFileTests {
    private func export(_ arguments: String...) throws -> Program.Ended {
        try Program.run(Site.blip2, ["export-lavis"] + arguments)
    }

    @Test("is written with the image encoder or without it, replaces nothing, and is refused of other models")
    func commands() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (model, path) = (Project.root + "/models/demo-blip2", folder + "/model.pth")
        let whole = try export(model, "--output", path)
        #expect(whole.status == 0 && whole.output.hasPrefix("\(path): Blip2OPT of LAVIS, "), "\(whole.errors)")
        // LAVIS would load a part of CLIP's encoder without a word.
        #expect(whole.errors.hasPrefix("warning: LAVIS builds another model"), "\(whole.errors)")
        #expect(whole.errors.contains("blocks of the image encoder 5, in LAVIS 21;"), "\(whole.errors)")
        let again = try export(model, "--output", path)
        #expect(again.status == 64 && again.errors.contains("--output: \(path) exists"), "\(again.errors)")
        let part = try export(model, "--output", folder + "/part.pth", "--without-image-encoder")
        #expect(part.status == 0 && part.output.contains("the image encoder is left out"), "\(part.errors)")
        let script = """
            import sys, torch
            whole, part = (torch.load(path, weights_only=True)["model"] for path in sys.argv[1:])
            left = {name for name in whole if name.startswith("visual_encoder.")}
            assert left and part.keys() == whole.keys() - left, part.keys()
            """
        try Python.run(script, [path, folder + "/part.pth"])
        for (arguments, part) in [
            ([Project.root + "/models/demo-ranker", "--output", folder + "/none.pth"], "blip-2"),
            ([folder, "--output", folder + "/none.pth"], "config.json"),
        ] {
            let ended = try Program.run(Site.blip2, ["export-lavis"] + arguments)
            #expect(ended.status == 65 && ended.errors.contains(part), "\(ended.status) \(ended.errors)")
        }
        for (output, part) in [
            (folder + "/none/x.pth", "no such folder: \(folder)/none"), ("", "want the name of a file"),
        ] {
            let ended = try export(model, "--output", output)
            #expect(ended.status == 64 && ended.errors.contains("--output: " + part), "\(ended.errors)")
        }
        // The disk is full in the middle.
        let full = try Program.run(
            "/bin/sh",
            [
                "-c", "ulimit -f 1000; exec \"$0\" export-lavis \"$@\"", Site.blip2, model, "--output",
                folder + "/full.pth",
            ])
        #expect(full.errors.contains("full.pth: cannot be written: "), "\(full.errors)")
        #expect(full.status == 65 && full.errors.count { $0 == "\n" } == 1, "\(full.status) \(full.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["model.pth", "part.pth"])
    }
}
