import Digests
import Manifests
import Samples
import SourceAdapters
import Storage

/// Finds the rows of a manifest's sources whose URL an earlier row has, and writes them down for the workers.
///
/// Every list is read once, row by row. Rows that are left out for another reason do not count. Of
/// an image that is in a folder or an archive the path is its URL, with the source before it: paths of two data sets can be
/// alike.
struct DuplicateSearch {
    private let manifest: Manifest
    private let output: OutputDirectory

    init(_ manifest: Manifest, _ output: OutputDirectory) {
        (self.manifest, self.output) = (manifest, output)
    }

    func run() throws {
        let exclusions = try Exclusions(urls: manifest.exclude.urls, images: manifest.exclude.images)
        let finder = try DuplicateFinder(folder: output.sortingFolder)
        var rowCounts: [Int] = []
        var total = 0
        for source in manifest.sources {
            let adapter = try makeAdapter(for: source, exclusions: exclusions)
            var rowCount = 0
            try adapter.plan(unitRows: manifest.shard.samples, limit: source.limit) { range in
                try Task.checkCancellation()
                let unit = WorkUnit(
                    source: source.name, index: 0, firstRow: range.firstRow, rowCount: range.rowCount,
                    start: range.start)
                var rows = try adapter.reader(of: unit)
                while let row = try rows.next() {
                    guard case .kept(let kept) = row.outcome, let url = identity(kept, row.url, source) else {
                        continue
                    }
                    try finder.add(digest(of: url).prefix, row: total + row.id.row)
                }
                rowCount += range.rowCount
            }
            rowCounts.append(rowCount)
            total += rowCount
        }
        var sets = rowCounts.map(RowSet.init)
        let firsts = rowCounts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        try finder.finish { entries in
            for entry in entries.dropFirst() {
                // The last source that begins at or before the row; sources without rows begin where the next one does.
                let source = firsts.dropLast().lastIndex { $0 <= entry.row } ?? 0
                sets[source].insert(entry.row - firsts[source])
            }
        }
        for (source, set) in zip(manifest.sources, sets) { try set.write(to: output.duplicatesPath(source.name)) }
    }

    private func identity(_ row: SourceRow, _ url: String, _ source: Source) -> String? {
        switch row.location {
        case .url: url
        case .stored(let path, _): "\(source.name):\(path)"
        case .bytes: url.isEmpty ? nil : url
        }
    }
}
