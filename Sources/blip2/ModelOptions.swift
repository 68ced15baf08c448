import ArgumentParser
import Captioning
import Commands
import Foundation
import Images
import ModelFolders
import ProcessGroups
import Tensors

/// Where a model is and where it runs.
struct ModelOptions: ParsableArguments {
    @Option(help: "A folder in the model hub's layout, or a model id in the hub's cache.")
    var model: String

    @OptionGroup var machine: MachineOptions

    @Flag(help: "Write JSON, one object per line for each image.")
    var json = false

    @OptionGroup var logs: LogOptions

    func directory() throws -> String { try requireModel(model) }
    func arithmetic() throws -> Precision { try machine.arithmetic() }
    func use(images: Int) throws -> DeviceUse { try machine.use(images: images) }
    func imagesAtOnce(default standard: Int) throws -> Int { try machine.imagesAtOnce(default: standard) }
    func engines() throws -> EnginePool { try machine.engines() }
}

/// Where a model runs, and how exactly.
struct MachineOptions: ParsableArguments {
    @Option(help: "Where the model runs: auto, cpu or cuda:N.")
    var device = "auto"

    @Option(help: "Precision: auto, float32, bfloat16, float16 or int8.")
    var precision = "auto"

    @Option(help: "Threads for the model; 0 uses one for each core.")
    var threads = 0

    @Option(help: "Images per batch; by default as the device's memory allows. On the processor for generate alone.")
    var batch: Int?

    @Flag(help: "Do not use cuDNN for attention.")
    var noCudnnAttention = false

    func arithmetic() throws -> Precision {
        guard let precision = Precision(rawValue: precision) else {
            throw ValidationError("--precision: want auto, float32, bfloat16, float16 or int8, not \(precision)")
        }
        return precision
    }

    /// How the device is used for `images` images: a batch is always full, so that it is no larger than they need.
    ///
    /// `place` is that of this process where there are several.
    func use(images: Int, _ place: ProcessPlace? = nil) throws -> DeviceUse {
        if let batch, batch < 1 { throw ValidationError("--batch: want 1 or more, not \(batch)") }
        let use = DeviceUse(of: try namedDevice(place), batch: batch)
        guard batch == nil, use.batch > 1 else { return use }
        let needed = [1, 2, 4, 8, 16, 32].first { $0 >= images } ?? use.batch
        return DeviceUse(batch: min(use.batch, needed), decodesOnDevice: use.decodesOnDevice)
    }

    /// The most images that are computed at once, on any device, where no fixed shape is asked for.
    func imagesAtOnce(default standard: Int) throws -> Int {
        if let batch, batch < 1 { throw ValidationError("--batch: want 1 or more, not \(batch)") }
        return batch ?? standard
    }

    /// What computes; `place` is that of this process where there are several.
    func engines(_ place: ProcessPlace? = nil) throws -> EnginePool {
        guard threads >= 0 else { throw ValidationError("--threads: want 0 or more, not \(threads)") }
        if noCudnnAttention { Device.avoidCuDNNAttention() }
        let device = try namedDevice(place)
        let count = threads > 0 ? threads : place?.threads ?? ProcessInfo.processInfo.activeProcessorCount
        return EnginePool(device: device, engineCount: DeviceUse.engineCount(on: device, cores: count))
    }

    private func namedDevice(_ place: ProcessPlace?) throws -> Device {
        do {
            return try Device(named: deviceName(device, place))
        } catch {
            throw ValidationError("--device: \(error.message)")
        }
    }
}

/// The device of a process that is told to use `name`: of several on a machine with GPUs, each has its own by default.
func deviceName(_ name: String, _ place: ProcessPlace?) -> String {
    guard name == "auto", let place, Device.cudaDeviceCount > 0 else { return name }
    return "cuda:\(place.localIndex % Device.cudaDeviceCount)"
}

/// Reads an image file as the models are given it: upright RGB.
func readImage(_ path: String) throws -> PixelImage {
    guard let data = FileManager.default.contents(atPath: path) else {
        throw CommandError(.badInput, "\(path): unreadable: no such file, or permission denied")
    }
    do {
        return try decode(Array(data), maxPixels: 178_956_970)
    } catch {
        throw CommandError(.badInput, "\(path): \(error)")
    }
}

/// Runs `body`, and gives a model that cannot be used as bad input.
func asInput<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch let error as ModelError {
        throw CommandError(.badInput, "\(error)")
    }
}

/// One line of JSON with sorted keys.
func jsonLine(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}
