/// What a build asks of a Slurm cluster: one coordinator, and arrays of workers.
package struct ClusterRequest: Hashable, Sendable {
    /// What every job of a kind asks for; what is nil is left to the partition.
    package struct Resources: Hashable, Sendable {
        /// The partition; several are separated by commas.
        package var partition: String?
        /// CPU cores.
        package var cpus: Int
        /// Memory of a job, such as `16G`.
        package var memory: String?
        /// The time limit, such as `12:00:00`.
        package var time: String?
        /// GPUs of a job.
        package var gpus = 0

        package init(
            partition: String? = nil, cpus: Int, memory: String? = nil, time: String? = nil, gpus: Int = 0
        ) {
            (self.partition, self.cpus, self.memory, self.time, self.gpus) = (partition, cpus, memory, time, gpus)
        }
    }

    /// An array of workers that are alike.
    package struct Workers: Hashable, Sendable {
        /// What its jobs are called, after the build: `worker` or `gpu-worker`.
        package var role: String
        /// How many, at least 1.
        package var count: Int
        package var resources: Resources
        /// Arguments of `pipeline-worker` besides those that every worker gets.
        package var arguments: [String]

        package init(role: String, count: Int, resources: Resources, arguments: [String]) {
            (self.role, self.count, self.resources, self.arguments) = (role, count, resources, arguments)
        }
    }

    /// Where the jobs of a build find each other and leave what they say: absolute paths that the nodes see too.
    package struct Places: Hashable, Sendable {
        /// The file that gets the coordinator's address.
        package var address: String
        /// The file with the workers' token.
        package var token: String
        /// The folder for what jobs log.
        package var logs: String
        /// The folder for the scripts that were submitted.
        package var scripts: String

        package init(address: String, token: String, logs: String, scripts: String) {
            (self.address, self.token, self.logs, self.scripts) = (address, token, logs, scripts)
        }
    }

    /// The manifest's name.
    package var name: String
    /// The manifest: an absolute path that the nodes see too.
    package var manifest: String
    /// The output: an absolute path that the nodes see too.
    package var output: String
    package var places: Places
    /// The folder of the executables, as the nodes see it.
    package var executables: String
    package var coordinator: Resources
    package var coordinatorArguments: [String]
    package var workers: [Workers]
    /// Options of `sbatch` for every job, such as `--account=vision`.
    package var options: [String]
    /// How long before its time limit or pre-emption a job is warned, in seconds.
    package var warning = 120

    package init(
        name: String, manifest: String, output: String, places: Places, executables: String, coordinator: Resources,
        coordinatorArguments: [String], workers: [Workers], options: [String]
    ) {
        self.name = name
        self.manifest = manifest
        self.output = output
        self.places = places
        self.executables = executables
        self.coordinator = coordinator
        self.coordinatorArguments = coordinatorArguments
        self.workers = workers
        self.options = options
    }
}
