import Commands
import Testing

@testable import ProcessGroups

@Suite("How a run of several processes is started") struct ProcessStartTests {
    private let torchrun = [
        "RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "gpu-1",
        "MASTER_PORT": "29500",
    ]
    private let slurm = [
        "SLURM_PROCID": "3", "SLURM_NTASKS": "8", "SLURM_LOCALID": "1", "SLURM_JOB_NODELIST": "gpu[03-07,12],login1",
        "SLURM_JOB_ID": "417", "SLURM_STEP_ID": "2", "SLURM_NODEID": "1", "SLURM_STEP_TASKS_PER_NODE": "2(x4)",
    ]

    private func start(_ environment: [String: String], _ processes: Int? = nil) throws -> ProcessStart {
        try ProcessStart(processes: processes, environment: environment)
    }

    @Test("is by the command line where the environment says nothing")
    func alone() throws {
        #expect(try start([:]) == .alone)
        #expect(try start([:], 1) == .alone)
        #expect(try start([:], 4) == .launching(4))
        #expect(throws: CommandError.self) { try start([:], 0) }
        // One task of Slurm's is one process, and may start others.
        let task = ["SLURM_PROCID": "0", "SLURM_NTASKS": "1", "SLURM_JOB_NODELIST": "a", "SLURM_STEP_ID": "0"]
        #expect(try start(task) == .alone)
        #expect(try start(task, 2) == .launching(2))
        #expect(try start(["RANK": "0", "WORLD_SIZE": "1"]) == .alone)
    }

    @Test("is by torchrun's variables")
    func byTorchrun() throws {
        guard case .joining(let place) = try start(torchrun, 8) else {
            Issue.record("not joining")
            return
        }
        #expect((place.index, place.count, place.localIndex, place.localCount) == (3, 8, 1, 2))
        #expect((place.host, place.port, place.isStoreServed) == ("gpu-1", 29500, false))
        // Started by torchrun within a Slurm job, whose variables say less.
        #expect(try start(torchrun.merging(slurm) { $1 }.merging(["SLURM_NTASKS": "4"]) { $1 }) == .joining(place))
    }

    @Test("is by the variables of a Slurm step: the first host of the list, a port of the job's own")
    func bySlurm() throws {
        guard case .joining(let place) = try start(slurm) else {
            Issue.record("not joining")
            return
        }
        #expect((place.index, place.count, place.localIndex, place.localCount) == (3, 8, 1, 2))
        #expect((place.host, place.port) == ("gpu03", 15_000 + (417 * 16 + 2) % 15_000))
        // What a script sets on top goes before.
        let own = ["MASTER_ADDR": "10.0.0.7", "MASTER_PORT": "1234", "WORLD_SIZE": "8"]
        guard case .joining(let placed) = try start(slurm.merging(own) { $1 }) else {
            Issue.record("not joining")
            return
        }
        #expect((placed.host, placed.port) == ("10.0.0.7", 1234))
    }

    @Test("reads the first host of every form of list")
    func hosts() {
        for (list, host) in [
            "a": "a", "n[1-4]": "n1", "gpu[003,7],x": "gpu003", "r[1-2]n[3-4]": "r1n3", "a,b[1-2]": "a",
            "x-1,x-2": "x-1",
        ] {
            #expect(firstHost(of: list) == host)
        }
        #expect(firstHost(of: "n[1-4") == nil)
        #expect(firstHost(of: "") == nil)
    }

    @Test("what is set by half or contradicts itself is wrong usage, with the variable's name")
    func halfSet() throws {
        func refused(_ environment: [String: String], _ processes: Int? = nil, _ word: String) {
            let error = #expect(throws: CommandError.self) { try start(environment, processes) }
            #expect(error?.code == .usage)
            #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
        }
        for (name, word) in [
            "RANK": "RANK", "WORLD_SIZE": "WORLD_SIZE", "MASTER_ADDR": "MASTER_ADDR", "MASTER_PORT": "MASTER_PORT",
        ] {
            refused(torchrun.filter { $0.key != name }, nil, word)
            refused(torchrun.merging([name: ""]) { $1 }, nil, word)
        }
        refused(["LOCAL_RANK": "0"], nil, "LOCAL_RANK")
        refused(["MASTER_ADDR": "a"], nil, "MASTER_ADDR")
        refused(torchrun.merging(["RANK": "8"]) { $1 }, nil, "RANK=8")
        refused(torchrun.merging(["RANK": "one"]) { $1 }, nil, "RANK=one")
        refused(torchrun.merging(["MASTER_PORT": "0"]) { $1 }, nil, "MASTER_PORT=0")
        refused(torchrun.merging(["LOCAL_WORLD_SIZE": "1"]) { $1 }, nil, "LOCAL_WORLD_SIZE=1")
        refused(torchrun, 4, "--processes 4")
        refused(torchrun.merging(["SLURM_PROCID": "4", "SLURM_NTASKS": "8"]) { $1 }, nil, "SLURM_PROCID")
        refused(slurm.filter { $0.key != "SLURM_NTASKS" }, nil, "SLURM_NTASKS")
        refused(slurm.filter { $0.key != "SLURM_PROCID" }, nil, "SLURM_PROCID")
        refused(slurm.filter { $0.key != "SLURM_JOB_NODELIST" }, nil, "SLURM_JOB_NODELIST")
        refused(slurm.merging(["WORLD_SIZE": "4"]) { $1 }, nil, "WORLD_SIZE=4")
        refused(slurm, 2, "--processes 2")
        // A batch script is no task of a step.
        let batch = slurm.filter { $0.key != "SLURM_STEP_ID" }.merging(
            ["ENVIRONMENT": "BATCH", "SLURM_PROCID": "0"]) { $1 }
        refused(batch, nil, "srun")
        #expect(try start(batch, 2) == .launching(2))
        // The processes that are started so have Slurm's variables of the script beside their own.
        let started = [
            "RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500",
            "SLURM_NTASKS": "2", "SLURM_PROCID": "0",
        ]
        let place = try start(batch.merging(started) { $1 }.merging([ProcessLauncher.mark: "1"]) { $1 }, 2)
        guard case .joining(let joined) = place else {
            Issue.record("not joining")
            return
        }
        #expect(joined.index == 1 && joined.count == 2)
        #expect(throws: CommandError.self) { try start(batch.merging(started) { $1 }, 2) }
    }
}
