import Commands

/// The environment variables by which torchrun and Slurm say which process this is.
struct ProcessVariables {
    private let values: [String: String]

    /// The variables of `environment`; empty ones count as unset.
    init(_ environment: [String: String]) { values = environment.filter { !$0.value.isEmpty } }

    /// The place that torchrun's variables name; nil where none of them is set.
    func torchrunPlace() throws(CommandError) -> ProcessPlace? {
        let names = ["RANK", "WORLD_SIZE"]
        let isSlurm = values["SLURM_PROCID"] != nil && values["SLURM_NTASKS"] != nil
        guard names.contains(where: { values[$0] != nil }) else {
            // Scripts for Slurm set some of these, for what they start.
            let others = ["LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"]
            let isJob = values.keys.contains { $0.hasPrefix("SLURM_") }
            if !isJob, let name = others.first(where: { values[$0] != nil }) { throw half(name, without: "RANK") }
            return nil
        }
        if let (missing, set) = zip(names, names.reversed()).first(where: { values[$0.0] == nil }) {
            // Slurm has both, and this one may repeat what it says.
            let same = set == "RANK" ? "SLURM_PROCID" : "SLURM_NTASKS"
            guard isSlurm else { throw half(set, without: missing) }
            guard values[set] == values[same] else { throw contradiction(set, same) }
            return nil
        }
        var place = try place("RANK", "WORLD_SIZE", local: "LOCAL_RANK")
        // What started the processes of a batch script by itself leaves Slurm's variables as they were.
        let isStartedHere = values["TORCHELASTIC_RUN_ID"] != nil || values[ProcessLauncher.mark] != nil
        if !isStartedHere, values["SLURM_NTASKS"] == values["WORLD_SIZE"], place.count > 1,
            let slurm = values["SLURM_PROCID"], slurm != values["RANK"]
        {
            throw contradiction("RANK", "SLURM_PROCID")
        }
        guard place.count > 1 else { return place }
        for name in ["MASTER_ADDR", "MASTER_PORT"] where values[name] == nil { throw half("RANK", without: name) }
        place.host = values["MASTER_ADDR"] ?? ""
        place.port = try port() ?? 0
        if let text = values["LOCAL_WORLD_SIZE"] {
            guard let count = Int(text), count > place.localIndex, count <= place.count else {
                throw CommandError(
                    .usage, "LOCAL_WORLD_SIZE=\(text): must be a number from \(place.localIndex + 1) to \(place.count)")
            }
            place.localCount = count
        }
        place.isStoreServed = values["TORCHELASTIC_USE_AGENT_STORE"] == "True"
        place.attempt = values["TORCHELASTIC_RESTART_COUNT"] ?? "0"
        place.isLaunched = values[ProcessLauncher.mark] != nil
        return place
    }

    /// The place that the variables of a Slurm step name; nil where there is none.
    ///
    /// In a batch script they name a first process although nothing starts the others; `ignoringBatch` takes none there.
    func slurmPlace(ignoringBatch: Bool) throws(CommandError) -> ProcessPlace? {
        let index = values["SLURM_PROCID"], count = values["SLURM_NTASKS"]
        let isBatch = values["SLURM_STEP_ID"] == nil && (values["ENVIRONMENT"] == "BATCH" || index == nil)
        guard index != nil || (count != nil && count != "1") else { return nil }
        if isBatch {
            if ignoringBatch || count == nil || count == "1" { return nil }
            throw CommandError(
                .usage,
                "SLURM_NTASKS=\(count ?? ""): this is not one of the tasks: start it with srun, or with --processes")
        }
        if index == nil { throw half("SLURM_NTASKS", without: "SLURM_PROCID") }
        if count == nil { throw half("SLURM_PROCID", without: "SLURM_NTASKS") }
        var place = try place("SLURM_PROCID", "SLURM_NTASKS", local: "SLURM_LOCALID")
        guard place.count > 1 else { return place }
        let lists = ["SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_NODELIST"]
        guard let host = values["MASTER_ADDR"] ?? lists.lazy.compactMap({ values[$0] }).first.flatMap(firstHost(of:))
        else { throw half("SLURM_PROCID", without: "SLURM_JOB_NODELIST") }
        place.host = host
        place.port = try port() ?? jobPort
        place.localCount = tasksHere() ?? 1
        return place
    }

    private func place(
        _ indexName: String, _ countName: String, local localName: String
    ) throws(CommandError) -> ProcessPlace {
        let count = try number(countName, atLeast: 1)
        let index = try number(indexName, atLeast: 0)
        guard index < count else {
            throw CommandError(.usage, "\(indexName)=\(index) but \(countName)=\(count): processes are numbered from 0")
        }
        let local = values[localName] == nil ? 0 : try number(localName, atLeast: 0)
        return ProcessPlace(index: index, count: count, localIndex: local, localCount: local + 1)
    }

    private func number(_ name: String, atLeast least: Int) throws(CommandError) -> Int {
        guard let number = values[name].flatMap({ Int($0) }), number >= least else {
            throw CommandError(.usage, "\(name)=\(values[name] ?? ""): must be a number, at least \(least)")
        }
        return number
    }

    private func port() throws(CommandError) -> UInt16? {
        guard let text = values["MASTER_PORT"] else { return nil }
        guard let port = UInt16(text), port > 0 else {
            throw CommandError(.usage, "MASTER_PORT=\(text): must be a port, from 1 to 65535")
        }
        return port
    }

    /// A port that all processes of a step derive: below those that systems hand out, and other steps have others.
    private var jobPort: UInt16 {
        let job = values["SLURM_JOB_ID"].flatMap { UInt64($0) } ?? 0
        let step = values["SLURM_STEP_ID"].flatMap { UInt64($0) } ?? 0
        return UInt16(15_000 + (job &* 16 &+ step % 16) % 15_000)
    }

    /// How many of the tasks are on this machine, as `SLURM_STEP_TASKS_PER_NODE` says, such as `4(x2),3`.
    private func tasksHere() -> Int? {
        guard let text = values["SLURM_STEP_TASKS_PER_NODE"] ?? values["SLURM_TASKS_PER_NODE"],
            let node = values["SLURM_NODEID"].flatMap({ Int($0) })
        else { return nil }
        var counts: [Int] = []
        for part in text.split(separator: ",") {
            let fields = part.split(whereSeparator: { "(x)".contains($0) }).compactMap { Int($0) }
            guard let count = fields.first, fields.count <= 2, counts.count <= node else { break }
            counts += [Int](repeating: count, count: min(fields.dropFirst().first ?? 1, node + 1))
        }
        return counts.indices.contains(node) ? counts[node] : nil
    }

    private func half(_ set: String, without missing: String) -> CommandError {
        CommandError(.usage, "\(set) is set but \(missing) is not: set both or none")
    }

    private func contradiction(_ name: String, _ other: String) -> CommandError {
        CommandError(
            .usage, "\(name)=\(values[name] ?? "") but \(other)=\(values[other] ?? ""): they must be the same")
    }
}

/// The first host of a list in Slurm's form, such as `gpu[03-07,12],login1`; nil where it is none.
func firstHost(of list: String) -> String? {
    var host = ""
    var rest = list[...]
    while let character = rest.first, character != "," {
        rest = rest.dropFirst()
        guard character == "[" else {
            host.append(character)
            continue
        }
        guard let end = rest.firstIndex(of: "]") else { return nil }
        host += rest[..<end].prefix { $0 != "," && $0 != "-" }
        rest = rest[rest.index(after: end)...]
    }
    return host.isEmpty ? nil : host
}
