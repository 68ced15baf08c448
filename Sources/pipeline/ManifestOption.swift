import ArgumentParser
import Commands
import Manifests

/// The manifest that a command works on.
struct ManifestOption: ParsableArguments {
    @Option(help: ArgumentHelp("What to build, a YAML file; docs/manifest.md explains every key.", valueName: "file"))
    var manifest: String

    /// The manifest, read; a fault in it is bad input that names file, line and key.
    func read() throws -> Manifest { try readManifest(manifest) }
}

/// The manifest in the file `path`; a fault in it is bad input that names file, line and key.
func readManifest(_ path: String) throws -> Manifest {
    do {
        return try Manifest(contentsOfFile: path)
    } catch {
        throw CommandError(.badInput, "\(path): \(error)")
    }
}
