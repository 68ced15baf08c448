import Foundation
import Testing

@testable import Archives
@testable import Files

@Suite("Folders of images") struct ImageRootsTests {
    private let folder = NSTemporaryDirectory() + "roots-" + UUID().uuidString
    private var root: String { folder + "/root" }

    init() throws {
        let files = FileManager.default
        try files.createDirectory(atPath: folder + "/root/a/b", withIntermediateDirectories: true)
        for (path, text) in [("root/a/b/in.jpg", "in"), ("secret.jpg", "secret")] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + path))
        }
        for (link, target) in [
            ("root/out.jpg", folder + "/secret.jpg"), ("root/up", ".."), ("root/within.jpg", "a/b/in.jpg"),
            ("root/loop", "loop"), ("root/linked", "a"),
        ] {
            try files.createSymbolicLink(atPath: folder + "/" + link, withDestinationPath: target)
        }
        mkfifo(root + "/pipe.jpg", 0o600)
    }

    private func read(_ path: String, _ roots: ImageRoots = ImageRoots()) throws -> String? {
        try roots.read(path, in: [root], byteLimit: 100).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("give what lies in them, and nothing from elsewhere, by whatever path or link")
    func beneath() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(try read("a/b/in.jpg") == "in" && read("/a//./b/in.jpg") == "in")
        #expect(try read("a/b/none.jpg") == nil && read("none/in.jpg") == nil && read("a/b/in.jpg/x") == nil)
        for path in ["out.jpg", "../secret.jpg", "a/../../secret.jpg", "up/secret.jpg", "loop"] {
            let error = #expect(throws: ArchiveError.self, "\(path)") { try read(path) }
            #expect(error?.detail.contains("leads out of image_root") == true, "\(path): \(String(describing: error))")
        }
    }

    @Test("follow links out of them where that is wanted")
    func following() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(try read("out.jpg", ImageRoots(followingLinks: [root])) == "secret")
    }

    @Test("never wait for a pipe, and say that it is not a plain file", .timeLimit(.minutes(1)))
    func pipe() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for roots in [ImageRoots(), ImageRoots(followingLinks: [root])] {
            for path in ["pipe.jpg", "a"] {
                let error = #expect(throws: ArchiveError.self) { try read(path, roots) }
                #expect(error?.detail == "not a plain file" && error?.isOfSystem == false)
            }
        }
    }

    @Test("blame an archive that is gone, and none of its images")
    func disk() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let gone = #expect(throws: ArchiveError.self) {
            try ImageRoots().read("a.jpg", in: [root + "/none.zip"], byteLimit: 1)
        }
        #expect(gone?.isOfSystem == true && gone?.detail == "no such file")
    }

    @Test("hold on a kernel without openat2, step by step, where no link at all is taken")
    func stepByStep() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let descriptor = open(root, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        func step(_ path: String) -> Int32 {
            let file = openStepByStep(descriptor, path)
            guard file >= 0 else { return errno }
            close(file)
            return 0
        }
        #expect(step("a/b/in.jpg") == 0 && step("./a//b/in.jpg") == 0 && step("pipe.jpg") == 0)
        #expect(step("none") == ENOENT && step("a/b/in.jpg/x") == ENOTDIR && step("") == EISDIR)
        for path in ["out.jpg", "within.jpg", "loop", "linked/b/in.jpg", "up/secret.jpg"] {
            #expect(step(path) == ELOOP, "\(path)")
        }
        #expect(step("../secret.jpg") == EXDEV && step("a/../../secret.jpg") == EXDEV)
    }
}
