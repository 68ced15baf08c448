// swift-tools-version: 6.2
import Foundation
import PackageDescription

// scripts/setup fills .deps; LIBTORCH names another libtorch, such as a node's own CUDA build.
let root = Context.packageDirectory
let libtorch = Context.environment["LIBTORCH"] ?? "\(root)/.deps/libtorch"
let arrow = "\(root)/.deps/arrow"
let torchLibraries = ["torch", "torch_cpu", "c10"]
let hasCUDA = FileManager.default.fileExists(atPath: "\(libtorch)/lib/libtorch_cuda.so")
// The folder of CUDA's headers, for a libtorch with CUDA: without them there are no streams and no graphs.
let cudaHeaders = Context.environment["CUDA_HOME"].map { "\($0)/include" }
// A folder with libCTorch.so: scripts/gpu-bundle links executables to it, for the shim is compiled where they will run.
let builtShim = Context.environment["CTORCH_SHIM"]

/// Every Swift target is built in the Swift 6 language mode with these on top.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// A target that touches no pointer: the compiler refuses unsafe code in it.
func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict + [.strictMemorySafety()])
}

/// A target that speaks to one C shim and hides every pointer from the rest.
func bridge(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func executable(_ name: String, _ dependencies: [Target.Dependency], settings: [LinkerSetting] = []) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict, linkerSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .testTarget(
        name: name + "Tests",
        dependencies: [.byName(name: name), "RandomNumbers", "TestSupport"] + (name == "Locks" ? [] : ["Locks"])
            + dependencies,
        resources: resources,
        swiftSettings: strict)
}

/// A shim over a system library; no unsafe flags, so that another package can depend on what is built on it.
func shim(_ name: String, links libraries: [String]) -> Target {
    .target(name: name, linkerSettings: libraries.map { .linkedLibrary($0) })
}

/// A shim over the shared libraries under `prefix`, which executables must find when they run.
///
/// `forced` are libraries that register themselves when they are loaded: nothing refers to them by name. `standIns` holds
/// headers that are used where there are no others of their names.
func shim(
    _ name: String, prefix: String, links libraries: [String], forced: [String] = [], headers: [String] = [],
    standIns: String? = nil
) -> Target {
    let includes =
        (["\(prefix)/include"] + headers).flatMap { ["-isystem", $0] }
        + (standIns.map { ["-idirafter", $0] } ?? [])
    return .target(
        name: name,
        cxxSettings: [.unsafeFlags(["-O2", "-Wno-deprecated-declarations"] + includes)],
        linkerSettings: [
            .unsafeFlags(["-L\(prefix)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(prefix)/lib"]),
            .unsafeFlags(forced.isEmpty ? [] : ["-Xlinker", "--no-as-needed"] + forced.map { "-l\($0)" }),
        ] + libraries.map { .linkedLibrary($0) })
}

/// The shim over libtorch: compiled here, or linked to as it was built in the folder that CTORCH_SHIM names.
func torchShim() -> Target {
    guard let builtShim else {
        return shim(
            "CTorch", prefix: libtorch, links: torchLibraries, forced: hasCUDA ? ["torch_cuda", "c10_cuda"] : [],
            headers: ["\(libtorch)/include/torch/csrc/api/include"] + (hasCUDA ? [cudaHeaders].compactMap { $0 } : []),
            standIns: "\(root)/Sources/CTorch/stubs")
    }
    return .target(
        name: "CTorch",
        exclude: [
            "attention.cpp", "buckets.cpp", "ctorch.cpp", "cuda.cpp", "device.cpp", "dropout.cpp", "group.cpp",
            "int8.cpp", "kernels", "linear.cpp", "recompute.cpp", "save.cpp", "training.cpp",
        ],
        linkerSettings: [.unsafeFlags(["-L\(builtShim)", "-lCTorch"])])
}

let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
/// The HTTP server's core, without its framework and without TLS, and what it is made of.
let hummingbird: [Target.Dependency] = [
    .product(name: "HummingbirdCore", package: "hummingbird"), .product(name: "HTTPTypes", package: "swift-http-types"),
    .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
    .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
]
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let asyncAlgorithms = Target.Dependency.product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "blip2-pipeline",
    products: [
        .library(name: "Shards", targets: ["Shards", "Samples"]),
        .library(name: "Loading", targets: ["Loading", "Samples"]),
        .executable(name: "pipeline", targets: ["pipeline"]),
        .executable(name: "pipeline-coordinator", targets: ["pipeline-coordinator"]),
        .executable(name: "pipeline-worker", targets: ["pipeline-worker"]),
        .executable(name: "blip2", targets: ["blip2"]),
    ],
    dependencies: [
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-async-algorithms.git", from: "1.1.4"),
    ],
    targets: [
        // 0. C shims: a header, an implementation, no policy.
        shim("CDigest", links: ["crypto"]),
        shim("CCurl", links: ["curl", "z"]),
        shim("CNames", links: ["cares"]),
        shim("CHosts", links: []),
        shim("CZstd", links: ["zstd"]),
        shim("CPostgres", links: ["pq"]),
        shim("CArchive", links: ["archive", "z"]),
        shim("CProcess", links: []),
        shim("CFiles", links: []),
        .target(
            name: "CImages", cSettings: [.unsafeFlags(["-O2"])],
            linkerSettings: ["jpeg", "spng", "webp", "webpdemux", "gif", "m"].map { .linkedLibrary($0) }),
        shim("CParquet", prefix: arrow, links: ["parquet", "arrow"]),
        torchShim(),
        // 1. Vocabulary.
        library("Locks"),
        library("Concurrency"),
        library("Samples"),
        bridge("Files", ["Locks", "Samples", "CFiles"]),
        library("RandomNumbers"),
        bridge("Digests", ["Samples", "Files", "CDigest"]),
        library("Pickles"),
        library("TextTokenizers", ["Files"]),
        library("TextMetrics", ["Files", "Samples"]),
        // 2. Capabilities.
        library("Manifests", ["Samples", "Digests", yams]),
        bridge("Images", ["Samples", "CImages"]),
        bridge("Shards", ["Samples", "Digests", "Files", "CZstd"]),
        bridge("Tables", ["Samples", "Files", "CParquet"]),
        bridge("Archives", ["Files", "Locks", "CArchive"]),
        bridge("Fetching", ["Samples", "Files", "Locks", "RandomNumbers", "CCurl", "CNames", "CHosts"]),
        bridge("Storage", ["Samples", "Digests", "Files"]),
        bridge("Spools", ["Digests", "Files"]),
        bridge("Databases", ["Files", "Locks", grdb]),
        bridge("MeteorScoring", ["CProcess", "Files", "Locks", "TextMetrics"]),
        library("Serving", ["Locks", logging] + hummingbird),
        bridge("Tensors", ["Files", "Locks", "Pickles", "CTorch"]),
        // 3. Assembly.
        library(
            "SourceAdapters",
            ["Samples", "Digests", "Files", "Locks", "Manifests", "Archives", "Shards", "Storage", "Tables"]),
        bridge("PostgresDatabases", ["Databases", "Locks", "CPostgres"]),
        library("Layers", ["Files", "RandomNumbers", "Tensors"]),
        library("Demonstrations", ["Samples", "Files", "RandomNumbers", "Serving", "Tables", logging]),
        // 4. The flow, the models, who does what.
        library(
            "Stages",
            [
                "Samples", "Archives", "Digests", "Files", "Locks", "Manifests", "SourceAdapters", "Fetching", "Images",
                "Shards", "Spools", "Tables",
            ]),
        library("ModelDescriptions", ["Tensors"]),
        library("Decoding", ["Locks", "RandomNumbers", "Tensors"]),
        library("VisionLanguage", ["Decoding", "Images", "Layers", "ModelDescriptions", "Tensors"]),
        library("LanguageModels", ["Decoding", "Layers", "ModelDescriptions", "Tensors"]),
        library(
            "BLIP2Models",
            ["LanguageModels", "Layers", "ModelDescriptions", "RandomNumbers", "Tensors", "VisionLanguage"]),
        library("Coordination", ["Databases", "Samples", "Digests", "Files", "Locks", logging]),
        // 5. Where they meet.
        library(
            "ModelFolders",
            [
                "BLIP2Models", "Decoding", "Files", "Images", "LanguageModels", "Layers", "ModelDescriptions",
                "Tensors",
                "TextTokenizers", "VisionLanguage",
            ]),
        library(
            "Captioning",
            [
                "BLIP2Models", "Decoding", "Samples", "Digests", "Files", "Images", "LanguageModels",
                "ModelDescriptions",
                "ModelFolders", "Stages", "VisionLanguage", "TextTokenizers", "Layers", "Tensors",
            ]),
        library("Transport", ["Samples", "Coordination", "Fetching", "Files", "Locks", "Serving", logging]),
        library("Slurm", ["Digests", "Files", "Samples"]),
        bridge("Supervision", ["CProcess", "Coordination", "Locks", logging]),
        library(
            "Loading",
            [
                "Concurrency", "Samples", "Digests", "Images", "Locks", "RandomNumbers", "Shards", "Storage",
                "TextTokenizers", asyncAlgorithms,
            ]),
        library("QuestionSets", ["Loading", "RandomNumbers", "Storage", "Tables", "TextMetrics"]),
        library("Reports", ["Samples", "Digests", "Files", "RandomNumbers", "Storage"]),
        library("Commands", ["Files", "Locks", "Manifests", logging, arguments]),
        library(
            "Training",
            [
                "Digests", "Files", "Images", "Layers", "Loading", "Locks", "Manifests", "ModelFolders", "Samples",
                "Shards", "Tensors", "TextTokenizers", "VisionLanguage",
            ]),
        library(
            "LanguageTraining",
            [
                "Decoding", "Digests", "Files", "LanguageModels", "Layers", "Loading", "ModelFolders", "RandomNumbers",
                "Samples", "Tensors", "TextTokenizers", "Training",
            ]),
        library(
            "Evaluation",
            [
                "BLIP2Models", "Concurrency", "Decoding", "Digests", "Files", "Images", "LanguageModels",
                "ModelFolders",
                "Samples", "Shards", "Storage", "Tensors", "VisionLanguage",
            ]),
        library(
            "BLIP2Training",
            [
                "BLIP2Models", "Files", "Images", "LanguageModels", "Layers", "Loading", "ModelDescriptions",
                "ModelFolders", "RandomNumbers", "Samples", "Tensors", "TextTokenizers", "Training", "VisionLanguage",
            ]),
        library(
            "Builds",
            [
                "Archives", "Commands", "Coordination", "Digests", "Fetching", "Files", "Images", "Locks", "Manifests",
                "PostgresDatabases", "Reports", "Samples", "Shards", "Slurm", "SourceAdapters", "Stages", "Storage",
                "Supervision", "Tables", "Transport", arguments, logging,
            ]),
        library(
            "Working",
            [
                "Archives", "Captioning", "Commands", "Coordination", "Decoding", "Fetching", "Files", "Locks",
                "Manifests", "ModelFolders", "Samples", "Shards", "SourceAdapters", "Stages", "Storage", "Supervision",
                "Tensors",
                "Transport", "VisionLanguage", logging,
            ]),
        bridge("ProcessGroups", ["CProcess", "Commands", "Files", "Locks", "Tensors"]),
        library(
            "FuzzTargets",
            ["Archives", "Images", "Manifests", "Samples", "Shards", "SourceAdapters", "Tensors", "TextTokenizers"]),
        // 6. Executables.
        executable(
            "pipeline",
            [
                "Builds", "Commands", "Coordination", "Demonstrations", "Digests", "Fetching", "Files", "Images",
                "Manifests", "Reports", "Samples", "Shards", "Slurm", "SourceAdapters", "Stages", "Storage", "Tables",
                arguments, logging,
            ]),
        executable("pipeline-coordinator", ["Builds", "Commands", "Storage", arguments]),
        executable(
            "pipeline-worker",
            [
                "Commands", "Fetching", "Files", "Locks", "Manifests", "Samples", "Supervision", "Transport", "Working",
                arguments,
                logging,
            ]),
        executable(
            "blip2",
            [
                "BLIP2Models", "BLIP2Training", "Captioning", "Commands", "Decoding", "Digests", "Evaluation", "Files",
                "Images", "LanguageModels", "LanguageTraining", "Layers", "Loading", "Locks", "Manifests",
                "MeteorScoring", "ModelDescriptions", "ModelFolders", "ProcessGroups", "QuestionSets", "Reports",
                "Samples", "Stages", "Storage", "Tensors", "TextMetrics", "TextTokenizers", "Training",
                "VisionLanguage", arguments,
            ]),
        // Tests.
        bridge("TestSupport", ["Files", "Locks", "Samples", "Storage", "Tensors"]),
        tests("Locks"),
        tests("Digests", ["Samples"]),
        tests("Pickles"),
        tests("Concurrency"),
        tests("Files"),
        tests("Manifests", ["Digests", "Samples"]),
        tests("Images", ["Samples"]),
        tests("Shards", ["Samples", "Digests"]),
        tests("Tables", ["Files", "Samples"]),
        tests("Fetching", ["Samples"]),
        tests("Storage", ["Files", "Samples"]),
        tests("Databases", ["PostgresDatabases"]),
        tests("Tensors"),
        tests("Archives", ["Files"]),
        tests("SourceAdapters", ["Samples", "Manifests", "Shards", "Tables"]),
        tests("Demonstrations", ["Samples"]),
        tests("Spools"),
        tests(
            "Stages",
            ["Archives", "Samples", "Digests", "Manifests", "SourceAdapters", "Fetching", "Images", "Spools"]),
        tests("Decoding", ["Tensors"]),
        tests("LanguageModels", ["Decoding", "Layers", "ModelDescriptions", "Tensors"]),
        tests("VisionLanguage", ["Decoding", "Layers", "Tensors"]),
        tests(
            "BLIP2Models", ["Decoding", "LanguageModels", "Layers", "ModelDescriptions", "Tensors", "VisionLanguage"]),
        tests("Coordination", ["Databases", "PostgresDatabases", "Samples", logging]),
        tests("Transport", [yams, "Coordination", "Files", "Samples", "Serving", logging]),
        tests("Serving", [logging]),
        tests("Working"),
        tests("Slurm"),
        tests("Supervision", ["CProcess", "Coordination"]),
        tests("TextTokenizers"),
        tests("TextMetrics"),
        tests("MeteorScoring"),
        tests(
            "ModelFolders",
            ["BLIP2Models", "Decoding", "Images", "LanguageModels", "Layers", "Tensors", "VisionLanguage"]),
        tests(
            "Captioning",
            ["BLIP2Models", "Decoding", "Images", "Layers", "ModelFolders", "Stages", "VisionLanguage", "Tensors"]),
        tests(
            "Evaluation",
            [
                "BLIP2Models", "Captioning", "Images", "LanguageModels", "Layers", "ModelFolders", "Samples", "Shards",
                "Storage", "Tensors",
            ]),
        tests("Training", ["Images", "Layers", "Loading", "ModelFolders", "Tensors"]),
        tests(
            "BLIP2Training",
            [
                "BLIP2Models", "Images", "LanguageModels", "Layers", "Loading", "ModelDescriptions", "ModelFolders",
                "Samples", "Tensors", "TextTokenizers", "Training", "VisionLanguage",
            ]),
        tests(
            "LanguageTraining",
            [
                "LanguageModels", "Layers", "Loading", "ModelDescriptions", "ModelFolders", "Tensors", "TextTokenizers",
                "Training",
            ]),
        tests(
            "Builds",
            [
                "Commands", "Digests", "Images", "Manifests", "Samples", "Shards", "Slurm", "Storage", "Tables",
                logging,
            ]),
        tests("FuzzTargets"),
        tests("ProcessGroups", ["Commands", "ProcessProbe"]),
        .executableTarget(
            name: "ProcessProbe", dependencies: ["Commands", "ProcessGroups", "Tensors", arguments],
            path: "Tests/ProcessProbe", swiftSettings: strict),
        tests("Loading", ["Images", "Samples", "Shards", "Storage"]),
        tests("QuestionSets", ["Loading", "Samples", "Storage", "Tables", "TextMetrics"]),
        tests("Reports", ["Digests", "Files", "Samples"]),
        .testTarget(
            name: "EndToEndTests", dependencies: ["RandomNumbers", "TestSupport"],
            exclude: ["generation.py", "read_output.py", "parity.py", "trained.py"],
            swiftSettings: strict),
        .testTarget(name: "TidyTests", dependencies: ["TestSupport"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)

// scripts/fuzz builds this one, with libFuzzer's driver in it.
if Context.environment["FUZZING"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["FuzzTargets"],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]))
}
