package import ArgumentParser
package import Manifests

/// The options of a worker, whoever starts it: its profile, and flags that go over it.
package struct ProfileOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A worker profile, a YAML file such as workers/local.yaml; flags override it.", valueName: "file"))
    package var profile: String?
    @Option(help: "Where the models run: auto, cpu or cuda:N.") package var device: String?
    @Option(help: "Concurrent transfers in each worker.") package var connections: Int?

    package init() {}

    package func validate() throws {
        if let device, !WorkerProfile.isDevice(device) {
            throw ValidationError("--device: want auto, cpu or cuda:N, not \(device)")
        }
        if let connections, connections < 1 { throw ValidationError("--connections: want at least 1") }
    }

    /// The profile with the flags over it; a fault in it is bad input that names file, line and key.
    package func read() throws(CommandError) -> WorkerProfile {
        var result = WorkerProfile()
        if let profile {
            do {
                result = try WorkerProfile(contentsOfFile: profile)
            } catch {
                throw CommandError(.badInput, "\(profile): \(error)")
            }
        }
        result.device = device ?? result.device
        result.connections = connections ?? result.connections
        return result
    }

    /// The options again, for a worker that runs elsewhere.
    package var flags: [String] {
        var flags: [String] = []
        if let profile { flags += ["--profile", absolutePath(profile)] }
        if let device { flags += ["--device", device] }
        if let connections { flags += ["--connections", "\(connections)"] }
        return flags
    }
}
