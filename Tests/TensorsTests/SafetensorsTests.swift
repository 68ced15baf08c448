import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Safetensors")
struct SafetensorsTests {
    @Test("what was written is read back, of every type, and equal tensors make equal bytes")
    func roundTrip() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let floats = try Tensor([1.5, -2, 0, 3.25, 5, 6] as [Float], shape: [2, 3])
        let tensors = [
            "b": floats, "a.half": try floats.to(.float16), "a.brain": try floats.to(.bfloat16),
            "ids": try Tensor([1, -1, 1 << 40], shape: [3]),
            "bytes": try Tensor([7, 0, 255] as [UInt8], shape: [3, 1]),
            "none": try Tensor([] as [Float], shape: [0, 4]), "scalar": try Tensor([2.5] as [Float], shape: []),
        ]
        for name in ["one", "two"] {
            try writeSafetensors(tensors, metadata: ["who": "a test"], to: "\(folder)/\(name).safetensors")
        }
        let file = try SafetensorsFile("\(folder)/one.safetensors")
        #expect(file.names == tensors.keys.sorted())
        #expect(file.metadata == ["who": "a test"])
        for (name, tensor) in tensors {
            let read = try file.tensor(name)
            #expect(read.shape == tensor.shape)
            #expect(read.dtype == tensor.dtype)
            #expect(try read.bytes() == tensor.bytes(), "\(name)")
        }
        #expect(
            FileManager.default.contentsEqual(
                atPath: "\(folder)/one.safetensors", andPath: "\(folder)/two.safetensors"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2, "no partial file is left")
    }

    @Test("a tensor outlives its file object, and writing to it leaves the file as it is")
    func lifetime() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/x.safetensors"
        try writeSafetensors(["x": Tensor([1, 2] as [Float], shape: [2])], to: path)
        let tensor = try { try SafetensorsFile(path).tensor("x") }()
        #expect(try tensor.floats() == [1, 2])
        try tensor.assign(Tensor([8, 9] as [Float], shape: [2]))
        #expect(try tensor.floats() == [8, 9])
        #expect(try SafetensorsFile(path).tensor("x").floats() == [1, 2])
    }

    @Test("a file that failed to be written leaves the old one")
    func atomic() throws {
        struct Stop: Error {}
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/x.safetensors"
        try writeSafetensors(["x": Tensor([1, 2] as [Float], shape: [2])], to: path)
        let failing = PendingTensor(name: "y", dtype: .float32, shape: [1]) { throw Stop() }
        #expect(throws: Stop.self) { try writeSafetensors([failing], to: path) }
        #expect(try SafetensorsFile(path).names == ["x"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["x.safetensors"])
    }

    struct Fault: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let header: String
        var data = 16
        let code: CheckpointError.Code
        var tensor: String? = "a"
    }

    static let faults = [
        Fault(testDescription: "not JSON", header: "{\"a\": ", code: .badHeader, tensor: nil),
        Fault(testDescription: "not an object", header: "[1, 2]", code: .badHeader, tensor: nil),
        Fault(
            testDescription: "no dtype", header: #"{"a":{"shape":[4],"data_offsets":[0,16]}}"#, code: .badHeader),
        Fault(
            testDescription: "a shape of text", header: #"{"a":{"dtype":"F32","shape":["4"],"data_offsets":[0,16]}}"#,
            code: .badHeader),
        Fault(
            testDescription: "an unknown type", header: #"{"a":{"dtype":"F33","shape":[4],"data_offsets":[0,16]}}"#,
            code: .badType),
        Fault(
            testDescription: "a wrong type", header: #"{"a":{"dtype":"F16","shape":[4],"data_offsets":[0,16]}}"#,
            code: .badShape),
        Fault(
            testDescription: "a negative size", header: #"{"a":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}}"#,
            code: .badShape),
        Fault(
            testDescription: "an overflow",
            header: #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,16]}}"#, code: .badShape),
        Fault(
            testDescription: "negative offsets", header: #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[-16,0]}}"#,
            code: .badOffsets),
        Fault(
            testDescription: "one offset", header: #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0]}}"#,
            code: .badOffsets),
        Fault(
            testDescription: "backward offsets", header: #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}}"#,
            code: .badOffsets),
        Fault(
            testDescription: "beyond the file", header: #"{"a":{"dtype":"F32","shape":[8],"data_offsets":[0,32]}}"#,
            code: .truncated),
        Fault(
            testDescription: "an overlap",
            header: #"{"b":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"#
                + #""a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#, code: .badOffsets),
        Fault(
            testDescription: "a gap",
            header: #"{"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
                + #""a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#, code: .badOffsets),
        Fault(
            testDescription: "bytes of no tensor", header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            code: .badOffsets, tensor: nil),
    ]

    @Test("a malformed file is an error that names file and tensor", arguments: faults)
    func malformed(fault: Fault) throws {
        let folder = try Project.temporaryFolder("malformed")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/x.safetensors"
        let length = withUnsafeBytes(of: UInt64(fault.header.utf8.count).littleEndian) { Data($0) }
        try (length + Data(fault.header.utf8) + Data(count: fault.data)).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(path) }
        #expect(error?.code == fault.code)
        #expect(error?.file == path)
        #expect(error?.tensor == fault.tensor)
    }

    @Test("a file that ends in its header, or whose header's length makes no sense, is an error")
    func lengths() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/x.safetensors"
        let cases: [([UInt8], CheckpointError.Code)] = [
            ([], .truncated), ([1, 0, 0], .truncated), ([64, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d], .truncated),
            ([255, 255, 255, 255, 255, 255, 255, 255, 0x7b, 0x7d], .badHeader),
        ]
        for (bytes, code) in cases {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(path) }
            #expect(error?.code == code)
        }
        let missing = #expect(throws: CheckpointError.self) { try SafetensorsFile(folder + "/nothing") }
        #expect(missing?.code == .unreadable)
        let directory = #expect(throws: CheckpointError.self) { try SafetensorsFile(folder) }
        #expect(directory?.code == .unreadable)
    }

    @Test("a type that the format knows and models do not use can be listed, not read")
    func foreignType() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/x.safetensors"
        let header = #"{"a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}"#
        let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
        try (length + Data(header.utf8) + Data(count: 16)).write(to: URL(fileURLWithPath: path))
        let file = try SafetensorsFile(path)
        #expect(file.shape(of: "a") == [2])
        let error = #expect(throws: CheckpointError.self) { try file.tensor("a") }
        #expect(error?.code == .badType)
    }
}
