package import ArgumentParser
package import Manifests

/// The manifest that a command works on.
package struct ManifestOption: ParsableArguments {
    @Option(help: ArgumentHelp("What to build, a YAML file; docs/manifest.md explains every key.", valueName: "file"))
    package var manifest: String

    package init() {}

    /// The manifest, read; a fault in it is bad input that names file, line and key.
    package func read() throws -> Manifest { try readManifest(manifest) }
}

/// The manifest in the file `path`; a fault in it is bad input that names file, line and key.
package func readManifest(_ path: String) throws -> Manifest {
    do {
        return try Manifest(contentsOfFile: path)
    } catch {
        throw CommandError(.badInput, "\(path): \(error)")
    }
}
