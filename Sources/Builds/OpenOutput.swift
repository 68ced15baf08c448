import Commands
import Coordination
import Foundation
package import Manifests
import Storage

/// Opens the folder `root` for a build, and keeps other builds out of it while the result lives.
///
/// - Throws: Where names that a first build would write are taken, where the disk is full, and where another build runs.
package func openOutput(_ root: String) throws -> ShardKeeper {
    let output = OutputDirectory(root)
    if !FileManager.default.fileExists(atPath: output.storePath) { try output.requireFree() }
    try output.create()
    try output.requireSpace()
    let store = try SQLJobStore(path: output.storePath, idPath: output.buildIDPath)
    if try store.build() == nil {  // killed before it was planned, or new
        try output.requireFree()
        try output.beginWriting()
    }
    return ShardKeeper(output: output, store: store)
}

/// Throws bad input where a folder or archive of images is not there: each of its rows would fail.
package func requireImageRoots(_ manifest: Manifest, _ file: String) throws {
    for (index, source) in manifest.sources.enumerated() {
        for root in source.imageRoots {
            var isFolder: ObjCBool = false
            let isThere = unsafe FileManager.default.fileExists(atPath: root, isDirectory: &isFolder)
            guard isThere, isFolder.boolValue || root.hasSuffix(".zip") else {
                let fault = isThere ? "neither a folder nor a .zip archive" : "no such folder or archive"
                throw CommandError(.badInput, "\(file): missing-file: sources[\(index)].image_root: \(root): \(fault)")
            }
        }
    }
}
