import Coordination
import Foundation

extension BuildStatus {
    /// The build in figures.
    var metrics: [MetricFamily] {
        var phases = MetricFamily("pipeline_build_phase", .gauge, "1 for what the build is doing, 0 for the rest.")
        for phase in Phase.allCases { phases.add(phase == self.phase ? 1 : 0, ["phase": phase.rawValue]) }
        var info = MetricFamily("pipeline_build_info", .gauge, "Always 1; the software that began the build.")
        info.add(1, ["version": softwareVersion])
        return [info, phases] + sourceMetrics + [
            MetricFamily(
                "pipeline_workers", .gauge, "Workers that were heard of within the last hour.", Double(workers.count)),
            MetricFamily(
                "pipeline_worker_rows_per_second", .gauge,
                "Rows done each second by all workers, over the last minute.",
                rowsPerSecond),
        ]
    }

    private var sourceMetrics: [MetricFamily] {
        var units = MetricFamily("pipeline_units", .gauge, "Work units by source and state.")
        var rows = MetricFamily(
            "pipeline_rows", .gauge, "Rows by source and state; in_flight are done in leased units.")
        var samples = MetricFamily("pipeline_samples", .gauge, "Samples in published shards.")
        var bytes = MetricFamily("pipeline_shard_bytes", .gauge, "Size of the published shards.")
        var leftOut = MetricFamily(
            "pipeline_rows_left_out", .gauge, "Rows of published units that were left out, by reason.")
        var speed = MetricFamily(
            "pipeline_rows_per_second", .gauge, "Rows done each second, by source, over the last minute.")
        for source in sources {
            let waiting = source.units - source.publishedUnits - source.failedUnits - source.leasedUnits
            let states = [
                ("waiting", waiting), ("leased", source.leasedUnits), ("draft", source.draftUnits),
                ("published", source.publishedUnits - source.draftUnits), ("failed", source.failedUnits),
            ]
            for (state, count) in states { units.add(count, ["source": source.name, "state": state]) }
            rows.add(source.rows, ["source": source.name, "state": "planned"])
            rows.add(source.publishedRows, ["source": source.name, "state": "published"])
            rows.add(source.rowsInFlight, ["source": source.name, "state": "in_flight"])
            samples.add(source.samples, ["source": source.name])
            bytes.add(source.byteCount, ["source": source.name])
            speed.add(source.rowsPerSecond, ["source": source.name])
            for (reason, count) in source.rejections.sorted(by: { $0.key < $1.key }) {
                leftOut.add(count, ["source": source.name, "reason": reason])
            }
        }
        return [units, rows, samples, bytes, leftOut, speed]
    }
}

/// What the process itself takes, under the names that Prometheus' own clients use.
func processFamilies() -> [MetricFamily] {
    var families: [MetricFamily] = []
    let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
    // Behind the name, which may hold spaces.
    if let text = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
        let rest = text.split(separator: ") ", maxSplits: 1).last?.split(separator: " "), rest.count > 21,
        let user = Double(rest[11]), let system = Double(rest[12]), let pages = Double(rest[21])
    {
        families += [
            MetricFamily(
                "process_cpu_seconds_total", .counter, "User and system CPU time spent.", (user + system) / ticks),
            MetricFamily(
                "process_resident_memory_bytes", .gauge, "Resident memory size.",
                pages * Double(sysconf(Int32(_SC_PAGESIZE)))),
        ]
    }
    if let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
        families += [
            MetricFamily("process_open_fds", .gauge, "Open file descriptors.", Double(files.count)),
            MetricFamily(
                "process_max_fds", .gauge, "Most file descriptors that may be open.",
                Double(sysconf(Int32(_SC_OPEN_MAX)))),
        ]
    }
    return families
}
