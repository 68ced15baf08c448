import Foundation
import TestSupport
import Testing

/// A data set of scenes with questions and captions about them, and a phase-2 model of noise.
private final class EvaluationSite {
    static let images = 14

    let folder: String

    init() throws {
        folder = try Project.temporaryFolder("evaluation")
        try run(
            Site.pipeline,
            ["demo", "--output", folder + "/demo", "--count", "\(Self.images)", "--seed", "5", "--clean", "--no-serve"])
        let list = try String(contentsOfFile: folder + "/demo/list.csv", encoding: .utf8)
        let lines = list.split(separator: "\n").enumerated().map { $0 == 0 ? "number,\($1)" : "\(99 + $0),\($1)" }
        try write(lines.joined(separator: "\n"), "demo/numbered.csv")
        try write(
            """
            version: 1
            name: scenes
            shard: {samples: 4}
            image: {size: 64}
            sources:
              - {name: demo, format: csv, path: demo/numbered.csv, id_column: number, image_root: demo, captions: original}
            """, "numbered.yaml")
        try run(Site.pipeline, ["build", "--manifest", folder + "/numbered.yaml", "--output", folder + "/numbered"])
        try run(Site.blip2, ["random-checkpoint", "phase2-opt", "--output", folder + "/model"])
        let ids = (0..<Self.images).map { 100 + $0 } + [9999]
        let questions = ids.flatMap { id in
            ["what colour is it?", "how many are there?"].enumerated().map {
                #"{"question_id": \#(10 * id + $0), "image_id": \#(id), "question": "\#($1)"}"#
            }
        }
        let answers = Array(repeating: #"{"answer": "red"}"#, count: 10).joined(separator: ",")
        let annotations = ids.flatMap { id in
            (0..<2).map { #"{"question_id": \#(10 * id + $0), "image_id": \#(id), "answers": [\#(answers)]}"# }
        }
        let captions = ids.map { #"{"image_id": \#($0), "caption": "a red circle"}"# }
        try write(#"{"questions": [\#(questions.joined(separator: ","))]}"#, "questions.json")
        try write(#"{"annotations": [\#(annotations.joined(separator: ","))]}"#, "annotations.json")
        try write(#"{"images": [], "annotations": [\#(captions.joined(separator: ","))]}"#, "captions.json")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func run(_ program: String, _ arguments: [String]) throws {
        let ended = try Program.run(program, arguments)
        try #require(ended.status == 0, "\(ended.errors)")
    }

    private func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
    }

    /// The scenes as a folder of image files, called as COCO's are.
    func pictures() throws -> String {
        let (folder, files) = (folder + "/pictures", FileManager.default)
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let list = try String(contentsOfFile: self.folder + "/demo/numbered.csv", encoding: .utf8)
        for line in list.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: ",")
            let number = String(repeating: "0", count: 12 - fields[0].count) + fields[0]
            let name = try #require(fields.first { $0.hasPrefix("images/") })
            try files.copyItem(
                atPath: self.folder + "/demo/" + name,
                toPath: "\(folder)/COCO_val2014_\(number).\(name.split(separator: ".")[1])")
        }
        return folder
    }

    func arguments(_ task: String, data: [String]? = nil, _ more: [String]) -> [String] {
        let files =
            task == "vqa"
            ? ["--questions", folder + "/questions.json", "--annotations", folder + "/annotations.json"]
            : ["--references", folder + "/captions.json"]
        let fixed =
            ["--model", folder + "/model", "--precision", "float32"] + (data ?? ["--data", folder + "/numbered"])
        return ["eval", task] + fixed + files + more
    }
}

@Suite("blip2 eval in several processes", .serialized) struct EvaluationProcessTests {
    @Test("writes the same bytes as one process, whatever their number, and says once what is missing")
    func sameBytes() throws {
        let site = try EvaluationSite()
        for task in ["captioning", "vqa"] {
            let more = ["--json", "--shown", task == "vqa" ? "other" : "own", "--max-new-tokens", "5"]
            var results: [String] = []
            for count in 1...3 {
                let output = "\(site.folder)/\(task)-\(count).json"
                let ended = try Program.run(
                    Site.blip2, site.arguments(task, more + ["--output", output, "--processes", "\(count)"]))
                let errors = ended.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
                #expect(ended.status == 1 && errors.count == 1, "\(ended.status): \(ended.errors)")
                #expect(errors.first?.contains("without a prediction") == true, "\(ended.errors)")
                results.append(ended.output + (try String(contentsOfFile: output, encoding: .utf8)))
            }
            #expect(results[0].contains("\"expected\":\(task == "vqa" ? 30 : 15)"), "\(results[0])")
            #expect(results[1] == results[0] && results[2] == results[0])
        }
        let joined = try ["0", "1"].map { rank in
            try Program(
                Site.blip2, site.arguments("captioning", ["--json", "--max-new-tokens", "5"]),
                environment: [
                    "RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2",
                    "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(20_000 + Int(getpid()) % 10_000)",
                ])
        }
        let ends = joined.map { $0.wait() }
        #expect(ends.map(\.status) == [1, 0], "\(ends.map(\.errors))")
        #expect(ends[0].output.contains("\"expected\":15") && ends[1].output.isEmpty && ends[1].errors.isEmpty)
    }

    @Test("takes the images of a folder as well; of a folder and a data set one is for the page")
    func folder() throws {
        let site = try EvaluationSite()
        let images = ["--images", try site.pictures()]
        var results: [String] = []
        for count in 1...2 {
            let (output, page) = ("\(site.folder)/folder-\(count).json", "\(site.folder)/page-\(count).html")
            let ended = try Program.run(
                Site.blip2,
                site.arguments(
                    "captioning", data: images,
                    ["--max-new-tokens", "5", "--output", output, "--report", page, "--processes", "\(count)"]))
            #expect(
                ended.status == 1 && ended.output.contains("15 images expected, 14 answered, 1 missing"), "\(ended)")
            #expect(ended.errors.hasPrefix("--images: 1 of 15 images not found, such as 9999\n"), "\(ended.errors)")
            results.append(
                ended.output + (try String(contentsOfFile: output, encoding: .utf8))
                    + (try String(contentsOfFile: page, encoding: .utf8)))
        }
        #expect(results[1] == results[0] && results[0].contains("data:image/"))
        let (both, neither) = (["--data", site.folder + "/numbered"] + images, [String]())
        for (data, more, status, part) in [
            (both, [], 64, "--images: the images are those of --data"), (neither, [], 64, "--data or --images"),
            (["--images", site.folder + "/none"], [], 65, "no such folder"),
            (["--images", site.folder + "/demo"], ["--processes", "2"], 65, "no .jpg, .jpeg"),
        ] as [([String], [String], Int32, String)] {
            let ended = try Program.run(Site.blip2, site.arguments("vqa", data: data, more))
            #expect(ended.status == status && ended.errors.contains(part), "\(ended.status): \(ended.errors)")
        }
        let questions = site.folder + "/questions.json"
        for option in ["--output", "--report"] {
            let ended = try Program.run(
                Site.blip2, site.arguments("vqa", data: images, [option, site.folder + "/demo/../questions.json"]))
            #expect(ended.status == 64 && ended.errors.contains("is what --questions reads"), "\(ended.errors)")
        }
        #expect(try String(contentsOfFile: questions, encoding: .utf8).hasPrefix("{\"questions\""))
        let scored = try Program.run(
            Site.blip2,
            [
                "eval", "captioning", "--predictions", site.folder + "/folder-1.json", "--references",
                site.folder + "/captions.json", "--images", site.folder,
            ])
        #expect(scored.status == 64 && scored.errors.contains("--images: give --model or --report"), "\(scored.errors)")
    }

    @Test(
        "ends all when one is killed, with one line and exit code 75; a fault of files is said once", arguments: [0, 2])
    func killed(index: Int) throws {
        let site = try EvaluationSite()
        let output = site.folder + "/killed.json"
        let run = try Program(
            Site.blip2, site.arguments("vqa", ["--json", "--output", output, "--processes", "3"]))
        #expect(eventually { children(of: run.identifier).count == 3 })
        let numbers = children(of: run.identifier).sorted()
        // One that stands still keeps the others from ending first.
        kill(numbers[1], SIGSTOP)
        kill(numbers[index], SIGKILL)
        let ended = run.wait()
        #expect(ended.status == 75)
        let errors = ended.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
        #expect(errors.count == 1, "\(ended.errors)")
        #expect(
            errors.first?.hasPrefix("error: process \(index) of 3 was killed by signal 9") == true, "\(ended.errors)")
        #expect(errors.first?.hasSuffix("run the same command again") == true, "\(ended.errors)")
        #expect(ended.output.isEmpty && !FileManager.default.fileExists(atPath: output))
        #expect(numbers.allSatisfy { kill($0, 0) != 0 })

        let wrong = try Program.run(
            Site.blip2, site.arguments("vqa", ["--data", site.folder + "/nothing", "--processes", "3"]))
        #expect(wrong.status == 65 && wrong.errors.count { $0 == "\n" } == 1, "\(wrong.errors)")
        let stopped = try Program(Site.blip2, site.arguments("vqa", ["--processes", "2"]))
        #expect(eventually { children(of: stopped.identifier).count == 2 })
        stopped.signal(SIGTERM)
        let end = stopped.wait()
        #expect(end.status == 128 + SIGTERM && end.output.isEmpty, "\(end.status): \(end.errors)")
    }

    @Test("takes processes with a model alone")
    func withoutModel() throws {
        let ended = try Program.run(
            Site.blip2,
            ["eval", "captioning", "--predictions", "p.json", "--references", "r.json", "--processes", "2"])
        #expect(ended.status == 64 && ended.errors.contains("--processes: only with --model"), "\(ended.errors)")
    }
}
