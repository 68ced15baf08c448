import ArgumentParser
import Commands
import Demonstrations
import Foundation
import Images

/// Makes the small demonstration data set and serves it.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Make and serve the demonstration data set: small scenes with true, wrong and missing captions.",
        discussion: """
            Prints the address once it is serving, and serves until it is stopped. The lists, DIR/list.csv and DIR/list.tsv,
            use that address, or with --no-serve the images' paths in DIR, for `image_root`. DIR/truth.jsonl describes
            what each image shows. DIR/questions.json and DIR/annotations.json ask about the images, in VQAv2's form; an
            image's id is the list's column `id`. With --clean, DIR/captions.json has the captions in COCO's form, and
            DIR/answers.csv questions with their answers in the place of captions. --text-only writes for a language
            model DIR/text.txt, sentences with questions and answers, and DIR/lookups.txt, of which the answers are to be learned.

            EXAMPLES:
              pipeline demo --output out/demo
              pipeline demo --output out/demo --count 1000 --seed 7 --no-serve
              pipeline demo --output out/training --count 50000 --seed 1000 --clean
              pipeline demo --output out/text --count 20000 --seed 4000 --text-only
            """)

    @Option(help: ArgumentHelp("The directory to write to.", valueName: "dir")) var output: String
    @Option(help: "Number of rows in the lists.") var count = 240
    @Option(help: "Seed for the scenes, captions and faults.") var seed: UInt64 = 1
    @Flag(help: "Make every row valid and every caption true, as training data.") var clean = false
    @Flag(help: "Write text.txt and lookups.txt alone: true sentences, questions and answers, a line each.")
    var textOnly = false
    @Option(help: "Address to serve on, loopback only; port 0 picks a free port.") var listen = "127.0.0.1:0"
    @Flag(inversion: .prefixedNo, help: "Serve the images once they are made.") var serve = true
    @OptionGroup var logs: LogOptions

    func validate() throws {
        guard count > 0 else { throw ValidationError("--count: want at least 1, not \(count)") }
        _ = try port()
    }

    func run() async throws {
        let dataset = DemoDataset(seed: seed, count: count, isClean: clean)
        let folder = DemoFolder(URL(fileURLWithPath: output))
        do {
            guard !textOnly else {
                try folder.writeText(dataset)
                return try printResult("\(output)/text.txt")
            }
            try await folder.write(dataset, encoders: .images)
            guard serve else {
                try folder.writeLists(dataset)
                return
            }
            let server = try DemoServer(folder: folder.folder, port: port())
            try await server.serve { address in
                try folder.writeLists(dataset, baseURL: address)
                try printResult(address)
                while true { try await Task.sleep(for: .seconds(3600)) }  // until it is stopped
            }
        } catch let error as DemoError {
            throw CommandError(.badInput, "\(error)")
        }
    }

    private func port() throws -> UInt16 {
        guard listen.hasPrefix("127.0.0.1:"), let port = UInt16(listen.dropFirst("127.0.0.1:".count)) else {
            throw ValidationError("--listen: want 127.0.0.1:PORT, not \(listen)")
        }
        return port
    }
}

extension DemoEncoders {
    /// The encoders of shards.
    fileprivate static var images: DemoEncoders {
        DemoEncoders(
            jpeg: { try encodeJPEG(PixelImage($0), quality: $1) },
            png: { pixels, _ in try encodePNG(PixelImage(pixels)) },
            webp: { try encodeWebP(PixelImage($0), quality: $1) })
    }
}

extension PixelImage {
    fileprivate init(_ pixels: ScenePixels) {
        self.init(width: pixels.width, height: pixels.height, rgb: pixels.rgb)
    }
}
