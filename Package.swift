// swift-tools-version: 6.2
import Foundation
import PackageDescription

// scripts/setup fills .deps; LIBTORCH names another libtorch, such as a node's own CUDA build.
let root = Context.packageDirectory
let libtorch = Context.environment["LIBTORCH"] ?? "\(root)/.deps/libtorch"
let arrow = "\(root)/.deps/arrow"
let hasCUDA = FileManager.default.fileExists(atPath: "\(libtorch)/lib/libtorch_cuda.so")

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
        name: name + "Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies, resources: resources,
        swiftSettings: strict)
}

func shim(_ name: String, links libraries: [String]) -> Target {
    .target(name: name, cSettings: [.unsafeFlags(["-O2"])], linkerSettings: libraries.map { .linkedLibrary($0) })
}

/// A shim over a shared library under `prefix`, which its executables must find when they run.
func shim(_ name: String, prefix: String, includes: [String], links libraries: [String], forced: [String] = [])
    -> Target
{
    .target(
        name: name,
        cxxSettings: [.unsafeFlags(["-O2", "-Wno-deprecated-declarations"] + includes.flatMap { ["-isystem", $0] })],
        linkerSettings: [
            .unsafeFlags(["-L\(prefix)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(prefix)/lib"]),
            .unsafeFlags(forced.isEmpty ? [] : ["-Xlinker", "--no-as-needed"] + forced.map { "-l\($0)" }),
        ] + libraries.map { .linkedLibrary($0) })
}

let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let flyingFox = Target.Dependency.product(name: "FlyingFox", package: "FlyingFox")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let asyncAlgorithms = Target.Dependency.product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "blip2-pipeline",
    products: [
        .library(name: "Shards", targets: ["Shards", "Samples"]),
        .executable(name: "pipeline", targets: ["pipeline"]),
        .executable(name: "pipeline-worker", targets: ["pipeline-worker"]),
        .executable(name: "blip2", targets: ["blip2"]),
    ],
    dependencies: [
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/swhitty/FlyingFox.git", from: "0.27.1"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-async-algorithms.git", from: "1.1.4"),
    ],
    targets: [
        // 0. C shims: a header, an implementation, no policy.
        .target(name: "CDigest", linkerSettings: [.linkedLibrary("crypto")]),
        .target(name: "CZstd", linkerSettings: [.linkedLibrary("zstd")]),
        // 1. Vocabulary.
        library("Samples"),
        bridge("Digests", ["Samples", "CDigest"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
