import ArgumentParser
import Commands
import Files
import Foundation
import Manifests
import Reports
import TextMetrics

/// The page with examples, and where its pictures are.
struct ExamplesOptions: ParsableArguments {
    /// How many examples a part of the page has.
    static let count = 24

    @Option(help: ArgumentHelp("Also write an HTML page with examples, right and wrong ones.", valueName: "file"))
    var report: String?
    @Option(help: ArgumentHelp("The folder of the pictures for --report.", valueName: "dir")) var images: String?

    func validate() throws {
        guard images == nil || report != nil else { throw ValidationError("--images: give --report, too") }
    }

    /// Writes the page, if one is asked for.
    func write(_ page: () -> ExamplesPage) throws {
        guard let report else { return }
        let pictures = try PictureFolder(images.map(expandingHome))
        let html = page().html(image: pictures.image)
        do {
            try writeFile(html.utf8, to: expandingHome(report))
        } catch {
            throw CommandError(.badInput, "\(error)")
        }
    }
}

/// Pictures by the name of their image: `17.jpg`, or a name that ends in the number, such as `COCO_val2014_000000000017.jpg`.
private struct PictureFolder {
    private static let types = ["jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"]

    private let folder: String
    private var files: [String: String] = [:]

    init(_ folder: String?) throws {
        self.folder = folder ?? ""
        guard let folder else { return }
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {  // said in one line
            throw CommandError(.badInput, "\(folder): unreadable: no such folder, or permission denied")
        }
        for name in names.sorted() where Self.types[Self.kind(name)] != nil {
            let stem = String(name.dropLast(Self.kind(name).count + 1))
            files[stem] = name
            let digits = stem.split(separator: "_").last ?? ""
            if let number = Int64(digits), files["\(number)"] == nil { files["\(number)"] = name }
        }
    }

    func image(_ id: String) -> ReportImage? {
        guard let name = files[id], let type = Self.types[Self.kind(name)],
            let data = FileManager.default.contents(atPath: "\(folder)/\(name)")
        else { return nil }
        return ReportImage(mediaType: type, bytes: Array(data))
    }

    private static func kind(_ name: String) -> String { (name.split(separator: ".").last ?? "").lowercased() }
}

extension Array {
    /// At most `count` elements, spread evenly over all.
    func spread(_ count: Int) -> [Element] {
        guard self.count > count else { return self }
        return (0..<count).map { self[$0 * self.count / count] }
    }
}
