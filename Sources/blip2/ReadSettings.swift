import Commands
import Manifests

/// The settings in the file `path`, with every path absolute; a fault in it is bad input that names file, line and key.
func readSettings<Settings: StageSettings>(_ path: String) throws -> Settings {
    do {
        return try Settings(contentsOfFile: path).resolved(besideFile: path)
    } catch {
        throw CommandError(.badInput, "\(path): \(error)")
    }
}
