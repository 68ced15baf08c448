import Samples

/// What `pipeline status` shows: how far a build is.
package struct StatusView: Sendable {
    /// A worker that has been heard of.
    package struct Worker: Sendable {
        let name: String, unit: String
        let rows: Int
        let lastSeen: Duration

        /// A worker on `unit`, empty for none, with `rows` done, last heard of `lastSeen` ago.
        package init(name: String, unit: String, rows: Int, lastSeen: Duration) {
            (self.name, self.unit, self.rows) = (name, unit, rows)
            self.lastSeen = lastSeen
        }
    }

    /// How far one source is.
    package struct Source: Sendable {
        let counts: DatasetFacts.Source
        let plannedRows: Int, units: Int, publishedUnits: Int
        let rowsPerSecond: Double

        /// `counts` of what is done, of `plannedRows` in `units` work units.
        package init(
            _ counts: DatasetFacts.Source, plannedRows: Int, units: Int, publishedUnits: Int, rowsPerSecond: Double = 0
        ) {
            self.counts = counts
            (self.plannedRows, self.units, self.publishedUnits) = (plannedRows, units, publishedUnits)
            self.rowsPerSecond = rowsPerSecond
        }
    }

    let name: String, state: String
    let sources: [Source]
    let workers: [Worker]
    let rowsPerSecond: Double?

    /// The status of data set `name`; `state` is a word such as `running`, `rowsPerSecond` nil where nothing runs.
    package init(name: String, state: String, sources: [Source], workers: [Worker] = [], rowsPerSecond: Double? = nil) {
        (self.name, self.state) = (name, state)
        self.sources = sources
        self.workers = workers
        self.rowsPerSecond = rowsPerSecond
    }

    /// The status as text, at most `width` cells wide.
    package func text(width: Int = 100) -> String {
        var parts = [TextFacts([("data set", name), ("state", state), ("done", progress)]).text(width: width)]
        parts.append(sourceTable.text(width: width))
        if sources.contains(where: { $0.counts.rejections.total > 0 }) {
            var table = ColumnTable(["source", "left out", "rows", "share"], right: ["rows", "share"])
            for counts in sources.map(\.counts) {
                for (reason, count) in counts.rejections.ordered {
                    table.add([
                        counts.name, reason.rawValue, Figures.grouped(count), Figures.percent(count, of: counts.rows),
                    ])
                }
            }
            parts.append(table.text(width: width))
        }
        if !workers.isEmpty {
            var table = ColumnTable(["worker", "on", "rows", "last seen"], right: ["rows", "last seen"])
            for worker in workers {
                table.add([
                    worker.name, worker.unit.isEmpty ? "–" : worker.unit, Figures.grouped(worker.rows),
                    Figures.time(worker.lastSeen) + " ago",
                ])
            }
            parts.append(table.text(width: width))
        }
        return parts.joined(separator: "\n")
    }

    private var progress: String {
        let done = sources.reduce(0) { $0 + $1.counts.rows }
        let planned = sources.reduce(0) { $0 + $1.plannedRows }
        var text = "\(Figures.grouped(done)) of \(Figures.grouped(planned)) rows, \(Figures.percent(done, of: planned))"
        if let rate = rowsPerSecond, rate > 0 {
            text += ", \(Figures.fixed(rate, rate < 10 ? 1 : 0)) rows/s, "
            text += "\(Figures.time(.seconds(Double(planned - done) / rate))) left"
        }
        return text
    }

    private var sourceTable: ColumnTable {
        var table = ColumnTable(
            ["source", "units", "rows", "samples", "kept", "left out", "rows/s"],
            right: ["units", "rows", "samples", "kept", "left out", "rows/s"])
        for source in sources {
            let counts = source.counts
            table.add([
                counts.name, "\(Figures.grouped(source.publishedUnits))/\(Figures.grouped(source.units))",
                "\(Figures.grouped(counts.rows))/\(Figures.grouped(source.plannedRows))",
                Figures.grouped(counts.samples),
                Figures.percent(counts.samples, of: counts.samples + counts.rejections.total),
                Figures.grouped(counts.rejections.total),
                source.rowsPerSecond > 0 ? Figures.fixed(source.rowsPerSecond, source.rowsPerSecond < 10 ? 1 : 0) : "–",
            ])
        }
        return table
    }
}
