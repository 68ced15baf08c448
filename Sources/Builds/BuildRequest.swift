package import Commands
import Foundation
package import Manifests

/// What to build, and where to.
package struct BuildRequest: Sendable {
    /// The manifest as it is written.
    package let manifest: Manifest
    /// The file that it was read from.
    package let file: String
    /// The output directory: an absolute path.
    package let output: String
    /// The address of the server that the state is on; nil for a file in the output, or where the output says.
    package let store: String?

    /// The build of `manifest` into the folder `output`, or else into the one that the manifest names.
    package init(_ manifest: Manifest, file: String, output: String?, store: String? = nil) throws(CommandError) {
        self.store = store
        let path = output ?? manifest.output
        guard !path.isEmpty else {
            throw CommandError(.badInput, "\(file): missing-key: output: add it, or give --output")
        }
        guard !path.contains("://") else {
            throw CommandError(.badInput, "output: \(path): this version writes to directories only")
        }
        self.output = absolutePath(path)
        (self.manifest, self.file) = (manifest, file)
    }
}
