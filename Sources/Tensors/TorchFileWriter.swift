import CTorch
import Files
import Glibc

/// Writes `tensors` by their names to a file at `path` as `torch.save({key: tensors})` does, whole or not at all: readers never
/// see a part of it.
///
/// `torch.load` reads it, with `weights_only` too, and so does `TorchFile`. Names are in order; equal tensors make equal bytes.
/// Memory: none beside the tensors.
package func writeTorchFile(_ tensors: [String: Tensor], under key: String, to path: String) throws {
    let sorted = tensors.sorted { $0.key < $1.key }
    do {
        try writeFile(path) { file in try save(sorted, under: key, to: file) }
    } catch let error as FileError {
        throw CheckpointError(.unreadable, error.path, "\(error.step.rawValue): \(error.reason)")
    }
}

private func save(_ tensors: [(key: String, value: Tensor)], under key: String, to file: OpenFile) throws {
    let sink = Sink(file)
    let names = tensors.map { strdup($0.key) }
    defer { for name in names { free(name) } }
    let constants = names.map { UnsafePointer($0) }
    let write: @convention(c) (UnsafeMutableRawPointer?, UnsafeRawPointer?, Int) -> Bool = { context, bytes, count in
        guard let context else { return false }
        let sink = Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue()
        return sink.write(UnsafeRawBufferPointer(start: bytes, count: count))
    }
    do {
        try perform("save") {
            ct_save(
                key, constants, tensors.map { $0.value.handle }, Int32(tensors.count), write,
                Unmanaged.passUnretained(sink).toOpaque())
        }
    } catch {
        throw sink.failure ?? error
    }
    withExtendedLifetime((sink, tensors)) {}
}

/// What the library writes to, a file, and the first failure of that.
private final class Sink {
    private let file: OpenFile
    private(set) var failure: (any Error)?

    init(_ file: OpenFile) { self.file = file }

    /// Adds `bytes` in parts: they are copied on the way.
    func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        for start in stride(from: 0, to: bytes.count, by: Self.partByteCount) {
            do {
                try file.write(Array(bytes[start..<min(start + Self.partByteCount, bytes.count)]))
            } catch {
                failure = error
                return false
            }
        }
        return true
    }

    private static let partByteCount = 1 << 20
}
