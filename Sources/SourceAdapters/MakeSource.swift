package import Manifests

/// The adapter for `source` of a manifest.
package func makeAdapter(for source: Source) -> any SourceAdapter {
    switch source.format {
    case .cc3m: CC3MSource(name: source.name, paths: source.paths, imageRoot: source.imageRoot)
    case .cc12m: CC12MSource(name: source.name, paths: source.paths, imageRoot: source.imageRoot)
    case .csv:
        CSVSource(
            name: source.name, paths: source.paths, table: source.table ?? .standard, imageRoot: source.imageRoot)
    }
}
