import CTorch

/// The type of a tensor's elements.
package enum DType: String, Sendable, CaseIterable {
    case float32, bfloat16, float16, int64, uint8, float64, bool

    /// Bytes an element.
    package var byteCount: Int {
        switch self {
        case .uint8, .bool: 1
        case .bfloat16, .float16: 2
        case .float32: 4
        case .int64, .float64: 8
        }
    }

    package var isFloatingPoint: Bool {
        switch self {
        case .float32, .bfloat16, .float16, .float64: true
        case .int64, .uint8, .bool: false
        }
    }

    var code: Int32 {
        switch self {
        case .float32: Int32(CT_FLOAT32)
        case .bfloat16: Int32(CT_BFLOAT16)
        case .float16: Int32(CT_FLOAT16)
        case .int64: Int32(CT_INT64)
        case .uint8: Int32(CT_UINT8)
        case .float64: Int32(CT_FLOAT64)
        case .bool: Int32(CT_BOOL)
        }
    }

    init?(code: Int32) {
        guard let type = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = type
    }
}

/// The arithmetic that a model runs in.
package enum Precision: String, Sendable, CaseIterable {
    /// bfloat16 where the device multiplies it in hardware, float32 elsewhere.
    case auto
    case float32, bfloat16, float16
    /// The large linear layers multiply 8-bit integers, all else is bfloat16; for inference on the processor.
    case int8

    /// The element type of weights and activations on `device`.
    package func dtype(on device: Device) -> DType {
        switch self {
        case .auto: device.hasBFloat16 ? .bfloat16 : .float32
        case .float32: .float32
        case .bfloat16: .bfloat16
        case .float16: .float16
        case .int8: .bfloat16
        }
    }

    /// Why `device` does not compute in this precision; nil where it does.
    package func obstacle(on device: Device) -> String? {
        guard self == .int8 else { return nil }
        guard device == .cpu else { return "int8 runs on the processor, not on \(device)" }
        return ct_has_int8(16) ? nil : "int8 needs a processor with AVX-512 VNNI and BF16; take auto"
    }
}
