import Commands
import Files
import Foundation
import Manifests

/// Refuses a `path` to write to that is empty, or whose folder is not there, before any work is done for it.
func requireFolder(of path: String, option: String) throws {
    guard !path.isEmpty else { throw CommandError(.usage, "\(option): want the name of a file") }
    let folder = folder(of: path)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
        throw CommandError(.usage, "\(option): no such folder: \(folder)")
    }
}

/// Refuses to write to a file that the same command reads; all are given by the option that names them.
func requireDifferent(_ outputs: [(option: String, path: String?)], from inputs: [(option: String, path: String?)])
    throws
{
    func place(_ path: String) -> String {
        URL(fileURLWithPath: expandingHome(path)).resolvingSymlinksInPath().path
    }
    for (option, output) in outputs {
        guard let output else { continue }
        for (other, input) in inputs where input.map({ place($0) == place(output) }) == true {
            throw CommandError(.usage, "\(option): \(output) is what \(other) reads: choose another name")
        }
    }
}
