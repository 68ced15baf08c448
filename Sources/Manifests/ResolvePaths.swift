import Foundation

extension Manifest {
    /// The manifest with every input path absolute and globs spelled out, as `PathsBesideFile` finds them.
    package func resolved(besideFile path: String) -> Manifest {
        let paths = PathsBesideFile(path)
        func files(_ names: [String]) -> [String] {
            names.flatMap { name in
                let files = isPattern(name) ? matches(of: paths.input(name)) : []
                return files.isEmpty ? [paths.input(name)] : files
            }
        }
        var manifest = self
        for index in sources.indices {
            let isShards = sources[index].format == .shards
            manifest.sources[index].paths = files(sources[index].paths.map { isShards ? paths.shards(of: $0) : $0 })
            manifest.sources[index].imageRoots = files(sources[index].imageRoots)
        }
        manifest.exclude = Exclude(
            urls: files(exclude.urls), images: files(exclude.images), digests: files(exclude.digests))
        manifest.caption.model = paths.model(caption.model)
        manifest.rank.model = paths.model(rank.model)
        return manifest
    }
}

extension RunSettings {
    fileprivate func resolved(_ paths: PathsBesideFile) -> RunSettings {
        var settings = self
        if !output.isEmpty { settings.output = absolutePath(output) }
        settings.imageEncoder.model = paths.model(imageEncoder.model)
        settings.data.questions = data.questions.map { $0.map(paths.questions) }
        for index in data.sets.indices {
            settings.data.sets[index].paths = data.sets[index].paths.map(paths.input)
            settings.data.sets[index].questions = data.sets[index].questions.map { $0.map(paths.questions) }
        }
        settings.validation?.paths = validation?.paths.map(paths.input) ?? []
        settings.validation?.questions = validation?.questions.map { $0.map(paths.questions) }
        return settings
    }
}

extension FinetuneSettings {
    package func resolved(besideFile path: String) -> FinetuneSettings {
        let paths = PathsBesideFile(path)
        var settings = self
        settings.run = run.resolved(paths)
        settings.start.from = paths.model(start.from)
        settings.start.phaseOne = start.phaseOne.map(paths.model)
        settings.start.head = start.head.map(paths.model)
        settings.start.tokenizer = start.tokenizer.map(paths.model)
        return settings
    }
}

extension PhaseOneSettings {
    package func resolved(besideFile path: String) -> PhaseOneSettings {
        let paths = PathsBesideFile(path)
        var settings = self
        settings.run = run.resolved(paths)
        if !start.isScratch { settings.start.from = paths.model(start.from) }
        settings.start.head = start.head.map(paths.model)
        settings.start.tokenizer = start.tokenizer.map(paths.model)
        return settings
    }
}

extension PhaseTwoSettings {
    package func resolved(besideFile path: String) -> PhaseTwoSettings {
        let paths = PathsBesideFile(path)
        var settings = self
        settings.run = run.resolved(paths)
        settings.start.from = paths.model(start.from)
        settings.languageModel.model = paths.model(languageModel.model)
        return settings
    }
}

/// Where the paths in a file lead that a person wrote.
///
/// Input paths and model directories that are relative are looked for beside the file first, then in the current directory. A
/// model that is no directory stays as it is: a hub id. `~` is the home folder.
private struct PathsBesideFile {
    private let folder: String

    init(_ file: String) { folder = URL(fileURLWithPath: file).deletingLastPathComponent().path }

    func input(_ path: String) -> String {
        let path = expandingHome(path)
        guard !path.hasPrefix("/"), !path.contains("://") else { return path }
        let (beside, here) = (folder + "/" + path, FileManager.default.currentDirectoryPath + "/" + path)
        return isThere(beside) ? beside : here
    }

    /// The shards of the data set that `path` is the folder of; `path` itself where it is none.
    func shards(of path: String) -> String {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: input(path), isDirectory: &isFolder), isFolder.boolValue
        else { return path }
        return input(path) + "/shards/*.tar.zst"
    }

    func questions(_ files: RunSettings.QuestionFiles) -> RunSettings.QuestionFiles {
        var files = files
        (files.file, files.annotations) = (input(files.file), files.annotations.map(input))
        return files
    }

    func model(_ model: String) -> String {
        let path = input(model)
        return FileManager.default.fileExists(atPath: path) ? path : model
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
