import ArgumentParser
import Commands
import Evaluation
import Files
import Foundation
import Manifests
import Reports
import TextMetrics

/// The page with examples, and where the images are.
struct ExamplesOptions: ParsableArguments {
    /// How many examples a part of the page has.
    static let count = 24

    @Option(help: ArgumentHelp("Also write an HTML page with examples, right and wrong ones.", valueName: "file"))
    var report: String?
    @Option(
        help: ArgumentHelp(
            """
            A folder of image files, repeatable: what --model sees, and the pictures of --report. Files in folders within are not \
            looked for. An image's file is the one that the references name, or has its id as name, or as the number at the end: \
            COCO_val2014_000000000017.jpg is image 17.
            """, valueName: "dir"))
    var images: [String] = []

    /// The folders of the image files.
    func folder() throws -> ImageFolder {
        do {
            return try ImageFolder(images.map(expandingHome))
        } catch {
            throw CommandError(.badInput, "--images: \(error)")
        }
    }

    /// Refuses a page that cannot be written, before any work is done for it.
    func check() throws {
        if let report { try requireFolder(of: expandingHome(report), option: "--report") }
    }

    /// Writes the page, if one is asked for; `files` are the names of images' files by the images' ids, where they are known.
    func write(files: [String: String] = [:], _ page: () -> ExamplesPage) throws {
        guard let report else { return }
        let folder = try folder()
        let html = page().html { id in
            // A picture that is not there, or not for certain, is left out; a model would not have been shown it.
            guard let path = try? folder.path(of: id, file: files[id]),
                let data = FileManager.default.contents(atPath: path)
            else { return nil }
            return ReportImage(mediaType: ImageFolder.mediaType(of: path), bytes: Array(data))
        }
        do {
            try writeFile(html.utf8, to: expandingHome(report))
        } catch {
            throw CommandError(.badInput, "\(error)")
        }
    }
}

extension Array {
    /// At most `count` elements, spread evenly over all.
    func spread(_ count: Int) -> [Element] {
        guard self.count > count else { return self }
        return (0..<count).map { self[$0 * self.count / count] }
    }
}
