import ArgumentParser
import Commands
import Manifests

/// The manifest that a command works on.
struct ManifestOption: ParsableArguments {
    @Option(help: ArgumentHelp("What to build, a YAML file; docs/manifest.md explains every key.", valueName: "file"))
    var manifest: String

    /// The manifest, read; a fault in it is bad input that names file, line and key.
    func read() throws -> Manifest {
        do {
            return try Manifest(contentsOfFile: manifest)
        } catch {
            throw CommandError(.badInput, "\(manifest): \(error)")
        }
    }
}
