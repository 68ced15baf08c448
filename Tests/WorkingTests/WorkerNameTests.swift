import Testing

@testable import Working

@Suite("The name of a worker") struct WorkerNameTests {
    @Test("is that of its Slurm job, which a requeued job keeps on another node, or else its host and process")
    func names() {
        func name(_ environment: [String: String]) -> WorkerName {
            WorkerName(environment: environment, host: "h", process: 7)
        }
        #expect(name([:]).name == "h-7" && name([:]).node == "h")
        let job = ["SLURM_JOB_ID": "12", "SLURMD_NODENAME": "n1", "SLURM_NTASKS": "1", "SLURM_PROCID": "0"]
        #expect(name(job).name == "slurm-12" && name(job).node == "n1")
        let array = job.merging(["SLURM_ARRAY_JOB_ID": "10", "SLURM_ARRAY_TASK_ID": "3"]) { $1 }
        #expect(name(array).name == "slurm-10_3")
        #expect(name(array.merging(["SLURMD_NODENAME": "n2"]) { $1 }).name == "slurm-10_3")
        #expect(name(array.merging(["SLURM_NTASKS": "4", "SLURM_PROCID": "2"]) { $1 }).name == "slurm-10_3.2")
    }
}
