import Commands
import Coordination
import Foundation
package import Manifests
import Storage

/// Opens the output of `request` and its job store.
///
/// A store in a file keeps other builds out while it lives; of those on a server one leads (``Lead``).
///
/// - Throws: Where names that a first build would write are taken, where the disk is full, where another build runs, and where
///   the server does not answer.
package func openOutput(_ request: BuildRequest) throws -> ShardKeeper {
    let output = OutputDirectory(request.output)
    if !output.isBegun { try output.requireFree() }
    try output.create()
    try output.requireSpace()
    let store = try openStore(output, request.store)
    return ShardKeeper(output: output, store: store, server: output.hasServer ? store : nil)
}

extension ShardKeeper {
    /// Makes sure that an output whose plan was not begun is free.
    func begin() throws {
        guard try store.build() == nil else { return }  // killed before it was planned, or new
        try output.requireFree()
        try output.beginWriting()
    }
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
