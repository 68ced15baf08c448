package import ArgumentParser
package import Commands

/// The options of a build, whoever does the work: what to build, where to, and where its state is.
package struct RequestOptions: ParsableArguments {
    @OptionGroup package var manifest: ManifestOption
    @Option(help: ArgumentHelp("The output directory; by default the manifest's.", valueName: "dir"))
    package var output: String?
    @OptionGroup package var store: StoreOption
    @Flag(help: "Write the final status as JSON.") package var json = false

    package init() {}

    /// What they ask for; a fault in the manifest is bad input.
    package func request() throws -> BuildRequest {
        try BuildRequest(try manifest.read(), file: manifest.manifest, output: output, store: store.store)
    }
}
