import Foundation
import FuzzTargets
import Glibc

// The driver of libFuzzer: `fuzz TARGET [libFuzzer's options and corpus folders]`. Built by scripts/fuzz alone.

@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// What the callback, which can capture nothing, works with; set once, before the driver starts its one thread.
nonisolated(unsafe) var chosen = FuzzTarget.manifest
nonisolated(unsafe) var folder = ""

func start() -> Int32 {
    guard CommandLine.arguments.count > 1, let target = FuzzTarget(rawValue: CommandLine.arguments[1]) else {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
        let usage = "usage: fuzz TARGET [option...] [folder...]; targets: \(names)\n"
        FileHandle.standardError.write(Data(usage.utf8))
        return 64
    }
    (chosen, folder) = (target, FileManager.default.temporaryDirectory.path + "/fuzz-\(UUID().uuidString)")
    do {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
        FileHandle.standardError.write(Data("error: \(folder): cannot be created\n".utf8))
        return 70
    }
    var arguments: [UnsafeMutablePointer<CChar>?] = ([CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2))
        .map { strdup($0) }
    arguments.append(nil)
    var count = Int32(arguments.count - 1)
    return arguments.withUnsafeMutableBufferPointer { buffer in
        var base = buffer.baseAddress
        return runDriver(&count, &base) { bytes, count in
            chosen.run(Array(UnsafeBufferPointer(start: bytes, count: count)), in: folder)
            return 0
        }
    }
}
exit(start())
