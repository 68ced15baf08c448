package import Manifests

/// The adapter for `source` of a manifest, with its rewrites and its filter; `exclusions` are the manifest's, `duplicates` is
/// the file of a `RowSet` with those rows that are duplicates.
///
/// A list without digests is refused if it `needsDigests`.
package func makeAdapter(
    for source: Source, exclusions: Exclusions = Exclusions(), duplicates: String? = nil, needsDigests: Bool = false
) throws(SourceError) -> any SourceAdapter {
    RefinedSource(
        try makeList(source), rewrites: source.rewrites, filter: source.filter, exclusions: exclusions,
        duplicates: duplicates, needsDigests: needsDigests)
}

private func makeList(_ source: Source) throws(SourceError) -> any SourceAdapter {
    let (name, paths, roots) = (source.name, source.paths, source.imageRoots)
    let columns = source.columns ?? .standard
    return switch source.format {
    case .coco: COCOSource(name: name, paths: paths, splits: source.splits ?? [], imageRoots: roots)
    case .vg: VGSource(name: name, paths: paths, imageRoots: roots)
    case .cc3m: CC3MSource(name: name, paths: paths, imageRoots: roots)
    case .cc12m: CC12MSource(name: name, paths: paths, imageRoots: roots)
    case .sbu: try SBUSource(name: name, paths: paths, imageRoots: roots)
    case .laion: LAIONSource(name: name, paths: paths, imageRoots: roots)
    case .webdataset: WebDatasetSource(name: name, paths: paths)
    case .shards: ShardsSource(name: name, paths: paths)
    case .csv:
        CSVSource(name: name, paths: paths, table: source.table ?? .standard, columns: columns, imageRoots: roots)
    case .parquet: ParquetSource(name: name, paths: paths, columns: columns, imageRoots: roots)
    case .jsonl: JSONLSource(name: name, paths: paths, columns: columns, imageRoots: roots)
    }
}
