import Foundation

/// Where things of a checkout are, for tests that use what set-up brought or what was built.
package enum Project {
    /// The root of the checkout.
    package static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// The folder of the executables that were built with these tests.
    package static let executables = Bundle.main.executableURL.map { $0.deletingLastPathComponent().path } ?? ""

    /// The Python of the tests, with the reference implementations; `scripts/setup --tests` makes it.
    package static let python = root + "/.deps/python/bin/python"

    /// A new empty folder that the test removes.
    package static func temporaryFolder(_ name: String = #function) throws -> String {
        let plain = name.filter { $0.isLetter || $0.isNumber }
        let path = FileManager.default.temporaryDirectory.path + "/blip2-\(plain)-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }
}
