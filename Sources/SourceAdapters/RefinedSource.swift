package import Manifests
package import Samples

/// A source whose rows pass the manifest's filter, and whose URLs have the beginnings that the manifest gives them.
///
/// A row that is left out stays a row, with the reason: it is counted, and keeps its number.
package struct RefinedSource: SourceAdapter {
    private let list: any SourceAdapter
    private let rewrites: [Source.Rewrite]
    private let filter: RowFilter
    private let exclusions: Exclusions
    private let duplicates: String?
    private let needsDigests: Bool

    /// `duplicates` is the file of a `RowSet` with the rows that are duplicates; nil where none were looked for.
    ///
    /// A list that gives no digests is refused when planning if it `needsDigests`.
    package init(
        _ list: any SourceAdapter, rewrites: [Source.Rewrite], filter: RowFilter, exclusions: Exclusions,
        duplicates: String? = nil, needsDigests: Bool = false
    ) {
        (self.list, self.rewrites, self.filter, self.exclusions) = (list, rewrites, filter, exclusions)
        (self.duplicates, self.needsDigests) = (duplicates, needsDigests)
    }

    package func plan(unitRows: Int, limit: Int?, emit: (PlannedRange) throws -> Void) throws {
        try list.check(filter, digests: needsDigests)
        try list.plan(unitRows: unitRows, limit: limit, emit: emit)
    }

    package func prepare() throws(SourceError) { try list.prepare() }

    package func reader(of unit: WorkUnit) throws(SourceError) -> any RowReader {
        let rows = unit.firstRow..<(unit.firstRow + unit.rowCount)
        let known = try duplicates.map { path throws(SourceError) in try RowSet.members(path, of: rows) } ?? []
        return Reader(rows: try list.reader(of: unit), source: self, duplicates: known)
    }

    private struct Reader: RowReader {
        var rows: any RowReader
        let source: RefinedSource
        let duplicates: Set<Int>

        mutating func next() throws(SourceError) -> ListedRow? {
            guard let listed = try rows.next() else { return nil }
            guard case .kept(let row) = listed.outcome else { return listed }
            if let rejection = source.exclusions.judge(row, url: listed.url) ?? source.filter.judge(row) {
                return ListedRow(id: listed.id, url: listed.url, outcome: .rejected(rejection))
            }
            if duplicates.contains(listed.id.row) {
                let rejection = Rejection(.duplicate, "an earlier row has this URL")
                return ListedRow(id: listed.id, url: listed.url, outcome: .rejected(rejection))
            }
            return ListedRow(id: listed.id, url: listed.url, outcome: .kept(source.rewritten(row)))
        }
    }

    private func rewritten(_ row: SourceRow) -> SourceRow {
        guard case .url(let url) = row.location,
            let rewrite = rewrites.first(where: { url.hasPrefix($0.prefix) })
        else { return row }
        let location = ImageLocation.url(rewrite.replacement + url.dropFirst(rewrite.prefix.count))
        return SourceRow(
            id: row.id, sourceID: row.sourceID, location: location, captions: row.captions, facts: row.facts)
    }
}

extension RowFilter {
    /// Why `row` is left out by what its list says of it; nil where it is taken.
    package func judge(_ row: SourceRow) -> Rejection? {
        let facts = row.facts
        if !facts.unreadable.isEmpty {
            for (key, needed) in needs {
                guard let fault = needed.compactMap({ facts.unreadable[$0] }).first else { continue }
                return Rejection(.badRow, "\(fault), which filter.\(key) judges by")
            }
        }
        if minSide > 0, let width = facts.width, let height = facts.height, min(width, height) < minSide {
            return Rejection(.filteredSize, "\(width)x\(height) in the list, a side under \(minSide)")
        }
        if let least = minSimilarity, let similarity = facts.similarity, similarity < least {
            return Rejection(.filteredSimilarity, "\(similarity), under \(least)")
        }
        if let tag = facts.nsfw, nsfw.contains(where: { $0.lowercased() == tag.lowercased() }) {
            return Rejection(.filteredNSFW, "tagged \(tag)")
        }
        if let most = maxUnsafe, let unsafe = facts.unsafe, unsafe > most {
            return Rejection(.filteredUnsafe, "\(unsafe), over \(most)")
        }
        if let most = maxWatermark, let watermark = facts.watermark, watermark > most {
            return Rejection(.filteredWatermark, "\(watermark), over \(most)")
        }
        if let least = minAesthetic, let aesthetic = facts.aesthetic, aesthetic < least {
            return Rejection(.filteredAesthetic, "\(aesthetic), under \(least)")
        }
        if !languages.isEmpty, let language = facts.language,
            !languages.contains(where: { $0.lowercased() == language.lowercased() })
        {
            return Rejection(.filteredLanguage, "in \(language)")
        }
        return judgeCaptions(row)
    }

    private func judgeCaptions(_ row: SourceRow) -> Rejection? {
        guard minCaptionLength > 0 || maxCaptionLength > 0 else { return nil }
        let lengths = row.captions.map(\.text.count)
        let (longest, shortest) = (lengths.max() ?? 0, lengths.min() ?? 0)
        if longest < minCaptionLength {
            return Rejection(.filteredCaption, "\(longest) characters, under \(minCaptionLength)")
        }
        if maxCaptionLength > 0, shortest > maxCaptionLength {
            return Rejection(.filteredCaption, "\(shortest) characters, over \(maxCaptionLength)")
        }
        return nil
    }
}
