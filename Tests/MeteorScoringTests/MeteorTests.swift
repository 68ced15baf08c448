import Foundation
import TestSupport
import Testing

@testable import MeteorScoring

@Suite("METEOR") struct MeteorTests {
    private struct GoldenSet: Decodable {
        struct Image: Codable {
            let caption: String
            let references: [String]
        }
        let name: String
        let images: [Image]
    }

    private static func script(_ arguments: [String], input: String = "") throws -> Program.Ended {
        try Program.run(
            "/bin/sh",
            ["-c", "exec \"$0\" \"$@\" < \"$INPUT\"", Project.python, Project.root + "/Tests/Support/meteor.py"]
                + arguments,
            environment: ["INPUT": input.isEmpty ? "/dev/null" : input])
    }

    @Test("is that of pycocoevalcap, of all images and of parts of them, with odd marks, empty and repeated captions")
    func parity() async throws {
        let path = Project.root + "/Tests/Goldens/captions/sets.json"
        let sets = try JSONDecoder().decode([GoldenSet].self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let input = folder + "/sets.json"
        try JSONEncoder().encode(sets.map(\.images)).write(to: URL(fileURLWithPath: input))
        let reference = try Self.script([], input: input)
        try #require(
            reference.status == 0, "pycocoevalcap or Java is missing: scripts/setup --tests; \(reference.errors)")
        let wanted = try JSONDecoder().decode([Double].self, from: Data(reference.output.utf8))
        try #require(wanted.count == sets.count + 1 && Set(wanted).count > 3)

        let jar = try Self.script(["--jar"]).output.trimmingCharacters(in: .newlines)
        let made = try await Meteor(jar: jar).scores(
            of: sets.flatMap { set in
                set.images.map { .init(caption: $0.caption, references: $0.references, domain: set.name) }
            })
        for (set, score) in zip(sets, wanted) {
            #expect(abs(try #require(made.byDomain[set.name]) - score) < 1e-6, "\(set.name)")
        }
        #expect(abs(made.all - wanted[sets.count]) < 1e-6)
    }
}

/// A folder with a program that behaves as if it were Java, and what stands for METEOR's files.
private struct FakeJava {
    let folder: String
    var jar: String { folder + "/meteor-1.5.jar" }

    init(_ plan: String) throws {
        folder = try Project.temporaryFolder("meteor")
        let files = FileManager.default
        try files.createDirectory(atPath: folder + "/data", withIntermediateDirectories: true)
        for (name, text) in [("meteor-1.5.jar", ""), ("data/paraphrase-en.gz", ""), ("plan", plan)] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
        }
        try files.copyItem(atPath: Project.root + "/Tests/Support/fake_meteor.py", toPath: folder + "/java")
        try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/java")
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    func scores(_ images: [Meteor.Image], patience: Duration = .seconds(60)) async throws -> Meteor.Scores {
        var meteor = try Meteor(jar: jar, searchPath: "/nowhere:" + folder)
        meteor.patience = patience
        return try await meteor.scores(of: images)
    }

    /// Whether the process that was started has ended.
    var hasEnded: Bool {
        guard let text = try? String(contentsOfFile: folder + "/pid", encoding: .utf8), let number = Int32(text) else {
            return true
        }
        return kill(number, 0) != 0
    }
}

@Suite("METEOR's program") struct MeteorProgramTests {
    private let images = [
        Meteor.Image(caption: "A dog ||| runs.", references: ["a dog", "The dog |||"]),
        Meteor.Image(caption: "", references: [""], domain: "near"),
    ]

    @Test("is told the words of references and caption, and asked for the scores of all and of each domain")
    func conversation() async throws {
        let fake = try FakeJava("answers")
        defer { fake.remove() }
        let scores = try await fake.scores(images)
        #expect(scores == Meteor.Scores(all: 0.3333, byDomain: ["near": 0.5]))
        let told = try String(contentsOfFile: fake.folder + "/told", encoding: .utf8)
        #expect(told == "SCORE ||| a dog ||| the dog | | | ||| a dog | | | runs\nSCORE |||  ||| \n")
        let arguments = try String(contentsOfFile: fake.folder + "/arguments", encoding: .utf8)
        #expect(
            arguments.split(separator: "\n").map(String.init)
                == ["-jar", "-Xmx2G", fake.jar, "-", "-", "-stdio", "-l", "en", "-norm"])
        #expect(fake.hasEnded)
    }

    @Test(
        "that fails is one error, and has ended",
        arguments: [
            ("dies", MeteorError.Code.ended, "ended with code 1: no memory"),
            ("is killed", .ended, "was killed by signal 15"),
            ("dies in the middle", .ended, "ended with code 3"),
            ("leaves a child", .ended, "ended with code 4"),
            ("hangs up", .ended, "was killed, or closed its pipes"),
            ("is silent", .ended, "did nothing for 2 s"),
            ("says nonsense", .malformed, "want figures, not \"nonsense\""),
            ("has other scores", .malformed, "want figures, not \"NaN\""),
            ("never ends its line", .malformed, "endless"),
        ])
    func faults(plan: String, code: MeteorError.Code, text: String) async throws {
        let fake = try FakeJava(plan)
        defer { fake.remove() }
        let patience: Duration = plan == "is silent" ? .seconds(2) : .seconds(60)
        let error = await #expect(throws: MeteorError.self) { try await fake.scores(images, patience: patience) }
        #expect(error?.code == code && error?.description.contains(text) == true, "\(String(describing: error))")
        #expect(fake.hasEnded)
    }

    @Test("that complains at length, and is told more than a pipe holds, is not waited for in vain")
    func pipes() async throws {
        let fake = try FakeJava("complains at length")
        defer { fake.remove() }
        let many = [Meteor.Image](repeating: .init(caption: "a dog", references: ["a dog"]), count: 6000)
        #expect(try await fake.scores(many).all == 0.0002)
    }

    @Test("ends when its caller is cancelled")
    func cancellation() async throws {
        let fake = try FakeJava("is silent")
        defer { fake.remove() }
        await #expect(throws: CancellationError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await fake.scores(images) }
                while !FileManager.default.fileExists(atPath: fake.folder + "/pid") {
                    try await Task.sleep(for: .milliseconds(20))
                }
                group.cancelAll()
                for try await _ in group {}
            }
        }
        #expect(fake.hasEnded)
    }

    @Test("that is not there, has no data beside it, or no Java, is said before anything is started")
    func missing() throws {
        let fake = try FakeJava("answers")
        defer { fake.remove() }
        func code(_ jar: String, _ path: String) -> MeteorError.Code? {
            do {
                _ = try Meteor(jar: jar, searchPath: path)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code(fake.jar, fake.folder) == nil)
        #expect(code(fake.folder + "/other.jar", fake.folder) == .unreadable)
        #expect(code(fake.folder, fake.folder) == .unreadable)
        #expect(code(fake.jar, "/nowhere") == .noJava)
        unlink(fake.folder + "/data/paraphrase-en.gz")
        #expect(code(fake.jar, fake.folder) == .unreadable)
    }
}
