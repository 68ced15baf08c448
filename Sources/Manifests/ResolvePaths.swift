import Foundation

extension Manifest {
    /// The manifest with every input path absolute and globs spelled out.
    ///
    /// Input paths and model directories that are relative are looked for beside the manifest first, then in the current
    /// directory. A model that is no directory stays as it is: a hub id. `~` is the home folder.
    package func resolved(besideFile path: String) -> Manifest {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        func resolved(_ path: String) -> String {
            let path = expandingHome(path)
            guard !path.hasPrefix("/"), !path.contains("://") else { return path }
            let (beside, here) = (folder + "/" + path, FileManager.default.currentDirectoryPath + "/" + path)
            return isThere(beside) ? beside : here
        }
        func resolvedModel(_ model: String) -> String {
            let path = resolved(model)
            return FileManager.default.fileExists(atPath: path) ? path : model
        }
        func files(_ paths: [String]) -> [String] {
            paths.flatMap { path in
                let files = isPattern(path) ? matches(of: resolved(path)) : []
                return files.isEmpty ? [resolved(path)] : files
            }
        }
        var manifest = self
        for index in sources.indices {
            manifest.sources[index].paths = files(sources[index].paths)
            manifest.sources[index].imageRoots = files(sources[index].imageRoots)
        }
        manifest.exclude = Exclude(
            urls: files(exclude.urls), images: files(exclude.images), digests: files(exclude.digests))
        manifest.caption.model = resolvedModel(caption.model)
        manifest.rank.model = resolvedModel(rank.model)
        return manifest
    }
}

/// `path` with the home folder for a `~` or `~/` that it begins with, as in a shell.
package func expandingHome(_ path: String) -> String {
    guard path == "~" || path.hasPrefix("~/") else { return path }
    let home = ProcessInfo.processInfo.environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path
    return home + path.dropFirst()
}

/// `path` from the root, with the home folder as in `expandingHome`.
package func absolutePath(_ path: String) -> String {
    let expanded = expandingHome(path)
    return expanded.hasPrefix("/") ? expanded : FileManager.default.currentDirectoryPath + "/" + expanded
}

private func isPattern(_ path: String) -> Bool { path.contains { "*?[".contains($0) } }

private func isThere(_ path: String) -> Bool {
    isPattern(path) ? !matches(of: path).isEmpty : FileManager.default.fileExists(atPath: path)
}
