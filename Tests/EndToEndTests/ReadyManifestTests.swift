import Foundation
import TestSupport
import Testing

@Suite("The ready manifests") struct ReadyManifestTests {
    private struct Plan: Decodable {
        struct Source: Decodable {
            let name: String
            let rows: Int
            let units: Int
        }
        let sources: [Source]
    }

    /// Lists of 400 captions a source: COCO's have five an image, and three images in five are in `train` or `restval`;
    /// Visual Genome's have eight an image.
    private static let expected = [
        "coco": ["coco": 48], "vg": ["vg": 50], "cc3m": ["cc3m": 400], "cc12m": ["cc12m": 400], "sbu": ["sbu": 400],
        "laion": ["laion": 400], "laion115m": ["laion115m": 400], "webdataset": ["webdataset": 3],
        "blip2-129m": ["coco": 48, "vg": 50, "cc3m": 400, "cc12m": 400, "sbu": 400, "laion": 400],
    ]

    @Test("are planned, every one of them, with all rows of lists of their shape")
    func plans() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let made = try Program.run(Site.pipeline, ["sample-lists", "--output", folder + "/lists", "--rows", "400"])
        try #require(made.status == 0, "\(made.errors)")
        try writeTar(to: folder + "/lists/webdataset")
        // Planning looks whether archives of images are there, and not into them.
        for archive in ["coco/train2014", "coco/val2014", "vg/images", "vg/images2"] {
            try Data().write(to: URL(fileURLWithPath: "\(folder)/lists/\(archive).zip"))
        }
        let files = Project.root + "/manifests"
        // Files of trainings name no sources.
        let names = try FileManager.default.contentsOfDirectory(atPath: files)
            .filter { $0 != "quickstart.yaml" }
            .filter { try String(contentsOfFile: "\(files)/\($0)", encoding: .utf8).contains("\nsources:") }
            .map { String($0.dropLast(5)) }
        #expect(Set(names) == Set(Self.expected.keys))
        for name in names {
            // The lists lie in the current directory, which is where a manifest looks second.
            let command = "cd \"$0\" && exec \"$1\" plan --manifest \"$2\" --json"
            let ended = try Program.run(
                "/bin/sh", ["-c", command, folder, Site.pipeline, "\(Project.root)/manifests/\(name).yaml"])
            try #require(ended.status == 0, "\(name): \(ended.errors)")
            let plan = try JSONDecoder().decode(Plan.self, from: Data(ended.output.utf8))
            #expect(
                Dictionary(uniqueKeysWithValues: plan.sources.map { ($0.name, $0.rows) }) == Self.expected[name],
                "\(name)")
            #expect(plan.sources.allSatisfy { $0.units == 1 })
        }
    }

    private func writeTar(to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let script = """
            cd "$0" && for i in 0 1 2; do echo image > $i.jpg; echo text > $i.txt; done &&
            tar cf 00000.tar 0.jpg 0.txt 1.jpg 1.txt && tar czf 00001.tar.gz 2.jpg 2.txt && rm *.jpg *.txt
            """
        let ended = try Program.run("/bin/sh", ["-c", script, folder])
        try #require(ended.status == 0, "\(ended.errors)")
    }
}
