/// The type of a storage's elements, by PyTorch's name of the storage.
package enum PickledType: String, Sendable, CaseIterable {
    case float32 = "FloatStorage"
    case float16 = "HalfStorage"
    case bfloat16 = "BFloat16Storage"
    case float64 = "DoubleStorage"
    case int64 = "LongStorage"
    case int32 = "IntStorage"
    case int16 = "ShortStorage"
    case int8 = "CharStorage"
    case uint8 = "ByteStorage"
    case bool = "BoolStorage"

    /// Bytes an element.
    package var byteCount: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .float16, .bfloat16, .int16: 2
        case .float32, .int32: 4
        case .float64, .int64: 8
        }
    }
}

/// A storage as a pickle refers to it.
struct PickledStorage: Equatable {
    let type: PickledType
    /// The name of its member under `data/`.
    let key: String
    /// Its elements.
    let count: Int
}

/// A tensor as a pickle describes it: elements of a storage.
package struct PickledTensor: Equatable, Sendable {
    package let type: PickledType
    let key: String
    /// The elements of the storage.
    let storageCount: Int
    /// The first element, in elements of the storage.
    package let offset: Int
    package let shape: [Int]
    /// The distance from an element to the next of each dimension, in elements.
    package let strides: [Int]
    /// The elements from the first to the last, those between them included.
    package let span: Int

    /// The tensor of `shape` in `storage`.
    ///
    /// Throws where an element lies outside it, and where elements share a place: a tensor is never larger than its storage.
    init(
        _ storage: PickledStorage, offset: Int, shape: [Int], strides: [Int]
    ) throws(PickleError) {
        guard shape.count == strides.count, shape.count <= PickleLimits.dimensions,
            (shape + strides + [offset]).allSatisfy({ $0 >= 0 })
        else { throw PickleError(.badTensor, "impossible shape \(shape), strides \(strides), offset \(offset)") }
        (type, key, storageCount) = (storage.type, storage.key, storage.count)
        (self.offset, self.shape, self.strides) = (offset, shape, strides)
        span = try Self.span(shape, strides)
        guard span <= storage.count, offset <= storage.count - span else {
            throw PickleError(
                .badTensor,
                "shape \(shape) with strides \(strides) at \(offset) reaches outside its storage of "
                    + "\(storage.count) elements")
        }
    }

    /// Whether the elements stand one behind the other in row order.
    package var isContiguous: Bool {
        guard span > 0 else { return true }
        var expected = 1
        for (size, stride) in zip(shape, strides).reversed() where size > 1 {
            guard stride == expected else { return false }
            expected *= size
        }
        return true
    }

    private static func span(_ shape: [Int], _ strides: [Int]) throws(PickleError) -> Int {
        guard !shape.contains(0) else {
            // No elements, but the other sizes are multiplied all the same.
            guard shape.reduce(1.0, { $0 * Double(max($1, 1)) }) < 0x1p62 else {
                throw PickleError(.badTensor, "impossible shape \(shape)")
            }
            return 0
        }
        // From the densest dimension outwards, each step has to lead over all that came before.
        var span = 1
        let dimensions = zip(strides, shape).filter { $0.1 > 1 }.sorted { $0 < $1 }
        for (stride, size) in dimensions {
            guard stride >= span else {
                throw PickleError(.badTensor, "elements share a place: shape \(shape) with strides \(strides)")
            }
            let (reach, isTooFar) = stride.multipliedReportingOverflow(by: size - 1)
            let (sum, isTooLong) = span.addingReportingOverflow(reach)
            guard !isTooFar, !isTooLong else {
                throw PickleError(.badTensor, "impossible shape \(shape) with strides \(strides)")
            }
            span = sum
        }
        return span
    }
}
