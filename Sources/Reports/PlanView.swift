/// What `pipeline plan` shows: the work that a manifest means, before any of it is done.
package struct PlanView: Sendable {
    /// A source of the manifest.
    package struct Source: Sendable {
        let name: String, format: String, path: String
        let rows: Int, units: Int

        /// `rows` rows of `path` in `units` work units.
        package init(name: String, format: String, path: String, rows: Int, units: Int) {
            (self.name, self.format, self.path) = (name, format, path)
            (self.rows, self.units) = (rows, units)
        }
    }

    let name: String, output: String, manifestDigest: String
    let sources: [Source]
    let estimatedByteCount: Int

    /// The plan for data set `name` into `output`, about `estimatedByteCount` bytes in all.
    package init(name: String, output: String, manifestDigest: String, sources: [Source], estimatedByteCount: Int) {
        (self.name, self.output, self.manifestDigest) = (name, output, manifestDigest)
        self.sources = sources
        self.estimatedByteCount = estimatedByteCount
    }

    /// The plan as text, at most `width` cells wide.
    package func text(width: Int = 100) -> String {
        var table = ColumnTable(["source", "format", "rows", "work units", "path"], right: ["rows", "work units"])
        for source in sources {
            table.add([
                source.name, source.format, Figures.grouped(source.rows), Figures.grouped(source.units), source.path,
            ])
        }
        let rows = Figures.grouped(sources.reduce(0) { $0 + $1.rows })
        let units = Figures.grouped(sources.reduce(0) { $0 + $1.units })
        return TextFacts([
            ("data set", name), ("output", output), ("manifest", manifestDigest),
            ("in all", "\(rows) rows, \(units) work units, about \(Figures.bytes(estimatedByteCount))"),
        ]).text(width: width) + "\n" + table.text(width: width)
    }
}
