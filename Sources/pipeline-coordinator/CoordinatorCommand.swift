import ArgumentParser
import Builds
import Commands
import Storage

/// A build whose workers are started elsewhere.
@main
struct CoordinatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline-coordinator",
        abstract: "Plan a build, lease its work units to workers on any machine, and publish what they make.",
        discussion: """
            Workers find the coordinator by the address file and show the token; both are files in the output by default,
            which workers must reach under the same path. It ends when every work unit is published, or has failed for good.
            The same command resumes an interrupted build; the output is the same as that of pipeline build.

            EXAMPLES:
              pipeline-coordinator --manifest cc3m.yaml --output /data/cc3m --listen 0.0.0.0:8400
              pipeline-worker --coordinator-file /data/cc3m/.state/coordinator --token-file /data/cc3m/.state/token
            """,
        version: softwareVersion)

    static func main() async { await runToExit(Self.self) }

    @OptionGroup var build: RequestOptions
    @Option(
        help: ArgumentHelp("The IP address and port to listen on; port 0 takes a free one.", valueName: "host:port"))
    var listen = "127.0.0.1:0"
    @Option(
        help: ArgumentHelp(
            "The host that workers are told to connect to; by default the one listened on, or this machine's name for 0.0.0.0 and [::].",
            valueName: "host"))
    var advertise: String?
    @Option(
        help: ArgumentHelp(
            "The file with the workers' token; made where there is none. By default .state/token in the output.",
            valueName: "file"))
    var tokenFile: String?
    @Option(
        help: ArgumentHelp(
            "The file with a token for those who may only look: status and metrics; made where there is none.",
            valueName: "file"))
    var readTokenFile: String?
    @Option(
        help: ArgumentHelp(
            "The file that gets the coordinator's address while it runs, and the word finished when all is done. By default .state/coordinator in the output.",
            valueName: "file"))
    var addressFile: String?
    @Option(
        help: ArgumentHelp(
            "The Slurm jobs, by name, whose tasks are workers: units of a task that does not run any more are leased again at once.",
            valueName: "names"))
    var slurmWorkers: String?
    @OptionGroup var logs: LogOptions

    func validate() throws {
        guard Listening(listen) != nil else {
            throw ValidationError("--listen: want HOST:PORT, such as 0.0.0.0:8400 or [::1]:0, not \(listen)")
        }
        if let advertise, advertise.isEmpty || advertise.contains(where: { "/ @[]".contains($0) }) {
            throw ValidationError("--advertise: want a host's name or address, not \(advertise)")
        }
        if slurmWorkers == "" { throw ValidationError("--slurm-workers: want the names of jobs, separated by commas") }
        if let tokenFile, tokenFile == readTokenFile {
            throw ValidationError("--read-token-file: want another file than --token-file")
        }
    }

    func run() async throws {
        let request = try build.request()
        var options = BuildOptions()
        options.isJSON = build.json
        options.listening = Listening(listen) ?? options.listening
        options.listening.advertisedHost = advertise
        options.listening.tokenFile = tokenFile
        options.listening.readTokenFile = readTokenFile
        options.listening.addressFile = addressFile ?? OutputDirectory(request.output).path(DatasetLayout.address)
        try await runBuild(
            request, RemoteWorkers(slurmJobs: slurmWorkers?.split(separator: ",").map(String.init) ?? []), options,
            logger: logs.logger("pipeline-coordinator"))
    }
}
