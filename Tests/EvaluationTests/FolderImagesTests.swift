import Foundation
import TestSupport
import Testing

@testable import Evaluation

@Suite("Images of folders")
struct FolderImagesTests {
    /// A folder whose files hold their own names.
    private func folder(_ names: [String]) throws -> String {
        let folder = try Project.temporaryFolder("images")
        for name in names { try Data(name.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
        return folder
    }

    private func contents(_ folders: [String], _ asked: [(String, String?)]) throws -> [String] {
        var images = try FolderImages(ImageFolder(folders), asked.map { (id: $0, file: $1) })
        var found: [String] = []
        while let image = try images.next() {
            found.append("\(image.ids.joined(separator: " ")): \(String(decoding: image.bytes, as: UTF8.self))")
        }
        return found
    }

    @Test("are found by their names, by the numbers at the end, and by the files that NoCaps names")
    func names() throws {
        let one = try folder([
            "COCO_val2014_000000000017.jpg", "000000000021.JPG", "n161313.jpeg", "0013ea2087020901.png", "5.webp",
            "6.gif",
            "notes.txt", "7.txt", "a.b.jpg", "._5.webp", "zz_1.png", "a_+8.png",
        ])
        let two = try folder(["2405722.jpg"])
        defer { for folder in [one, two] { try? FileManager.default.removeItem(atPath: folder) } }
        let asked: [(String, String?)] = [
            ("17", nil), ("21", nil), ("n161313", nil), ("0", "0013ea2087020901.jpg"), ("5", nil), ("6", nil),
            ("7", nil),
            ("2405722", nil), ("a.b.jpg", nil), ("99", "val/none.jpg"), ("17", nil), ("notes", nil),
            // Another image's file ends in the number of one whose file is not there.
            ("1", "0a57.jpg"), ("8", nil), ("100", "train/COCO_train2014_000000000017.jpg"),
            ("17", "train/COCO_train2014_000000000017.jpg"),
        ]
        let found = try contents([one, two], asked)
        let images = try FolderImages(ImageFolder([one, two]), asked.map { (id: $0, file: $1) })
        #expect(images.missing == "6 of 14 images not found, such as 1")
        #expect(try FolderImages(ImageFolder([one]), [(id: "17", file: nil)]).missing == nil)
        #expect(
            found.sorted() == [
                "0: 0013ea2087020901.png", "17: COCO_val2014_000000000017.jpg", "21: 000000000021.JPG",
                "2405722: 2405722.jpg", "5: 5.webp", "6: 6.gif", "a.b.jpg: a.b.jpg", "n161313: n161313.jpeg",
            ])
        #expect(try contents([one], asked.reversed()) == found.filter { !$0.hasSuffix("2405722.jpg") })
        #expect(ImageFolder.mediaType(of: "x/000000000021.JPG") == "image/jpeg")
        #expect(ImageFolder.mediaType(of: "x/5.webp") == "image/webp")
    }

    @Test("that are there twice, or none of which is there, are an error; a folder by two names is not")
    func faults() throws {
        let folder = try folder([
            "COCO_train2014_000000000003.jpg", "COCO_val2014_000000000003.jpg", "3.jpg", "4.jpg", "4.png",
        ])
        let link = folder + "-link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder)
        defer { for path in [folder, link] { try? FileManager.default.removeItem(atPath: path) } }
        for id in ["3", "4"] {
            let error = #expect(throws: EvaluationError.self) { try contents([folder], [(id, nil)]) }
            #expect(error?.code == .image && error?.detail.contains("two files of image \(id)") == true)
        }
        #expect(
            try contents([folder, folder + "/", link], [("COCO_val2014_000000000003.jpg", nil)])
                == ["COCO_val2014_000000000003.jpg: COCO_val2014_000000000003.jpg"], "the same folder twice")
        try FileManager.default.removeItem(atPath: folder + "/COCO_val2014_000000000003.jpg")
        // A name that is the number, and one that ends in it.
        let two = #expect(throws: EvaluationError.self) { try contents([folder], [("3", nil)]) }
        #expect(two?.detail.contains("two files of image 3") == true)
        let none = #expect(throws: EvaluationError.self) { try contents([folder], [("5", nil), ("6", nil)]) }
        #expect(none?.code == .empty && none?.path == folder && none?.detail.contains("such as 5") == true)
        let missing = #expect(throws: EvaluationError.self) { try ImageFolder([folder + "/none"]) }
        #expect(missing?.path == folder + "/none" && missing?.code == .image)
        try FileManager.default.createDirectory(atPath: folder + "/8.jpg", withIntermediateDirectories: true)
        let unreadable = #expect(throws: EvaluationError.self) { try contents([folder], [("8", nil)]) }
        #expect(unreadable?.path == folder + "/8.jpg")
    }
}
