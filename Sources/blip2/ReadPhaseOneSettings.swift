import Commands
import Manifests

/// The settings in the file `path`, with every path absolute; a fault in it is bad input that names file, line and key.
func readPhaseOneSettings(_ path: String) throws -> PhaseOneSettings {
    do {
        return try PhaseOneSettings(contentsOfFile: path).resolved(besideFile: path)
    } catch {
        throw CommandError(.badInput, "\(path): \(error)")
    }
}
