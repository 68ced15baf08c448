import Foundation
import Images
import TestSupport
import Testing

@Suite("Strange images") struct StrangeImageTests {
    /// What is right for one file of `Tests/Goldens/strange`.
    struct Expected: Sendable, CustomTestStringConvertible {
        let file: String
        /// `ok`, `reject` or `any`.
        let expect: String
        let errors: [String]
        let size: Size?
        let orientation: Int?

        var testDescription: String { file }
    }

    static let folder = Project.root + "/Tests/Goldens/strange"

    static func expectations() throws -> [Expected] {
        try String(contentsOfFile: folder + "/expected.tsv", encoding: .utf8).split(separator: "\n").dropFirst().map {
            line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            let size = Int(fields[3]).flatMap { width in Int(fields[4]).map { Size(width: width, height: $0) } }
            return Expected(
                file: fields[0], expect: fields[1], errors: fields[2].split(separator: "|").map(String.init),
                size: size,
                orientation: Int(fields[5]))
        }
    }

    @Test("decode to their size and orientation, or are refused for the right reason", .timeLimit(.minutes(2)))
    func corpus() throws {
        let expectations = try Self.expectations()
        #expect(expectations.count > 150)
        for expected in expectations {
            let bytes = [UInt8](try #require(FileManager.default.contents(atPath: Self.folder + "/" + expected.file)))
            do throws(ImageError) {
                let header = try readHeader(bytes)
                let image = try decode(bytes, header: header, maxPixels: 178_956_970)
                #expect(
                    expected.expect != "reject", "\(expected.file) is taken")
                if let size = expected.size { #expect(header.size == size, "\(expected.file)") }
                if let orientation = expected.orientation {
                    #expect(header.orientation == orientation, "\(expected.file)")
                }
                #expect(image.size == header.orientedSize, "\(expected.file)")
            } catch {
                #expect(expected.expect != "ok", "\(expected.file): \(error)")
                guard expected.expect == "reject" else { continue }
                #expect(Self.isRight(error, expected.errors), "\(expected.file): \(error), not \(expected.errors)")
            }
        }
    }

    private static func isRight(_ error: ImageError, _ reasons: [String]) -> Bool {
        let fitting: Set<String> =
            switch error.code {
            case .notAnImage: ["not-an-image", "unsupported-format"]
            case .damaged: ["corrupt", "truncated", "too-complex", "too-many-frames"]
            case .unsupported: ["unsupported-format", "corrupt"]
            case .tooManyPixels: ["too-large", "too-complex"]
            case .outOfMemory: []  // no picture asks for more than there is
            }
        return !fitting.isDisjoint(with: reasons)
    }
}
