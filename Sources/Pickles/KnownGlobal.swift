/// The classes and functions that a pickle of tensors refers to: they stand for what they describe, and none is called.
enum KnownGlobal: Equatable {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case storage(PickledType)

    /// The global `name` of the Python module `module`; nil for all others.
    init?(_ module: String, _ name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", _):
            guard let type = PickledType(rawValue: name) else { return nil }
            self = .storage(type)
        default: return nil
        }
    }
}

extension PickleGraph {
    /// What the call of `global` with the tuple `arguments` describes.
    mutating func described(_ global: KnownGlobal, _ arguments: [Int32]) throws(PickleError) -> Int32 {
        switch global {
        case .orderedDictionary:
            guard arguments.isEmpty else { break }
            return try add(.dictionary([]))
        case .rebuildTensor:
            // Storage, offset, shape, strides, whether it records gradients, hooks; sometimes a dictionary of remarks.
            guard arguments.count == 6 || arguments.count == 7, case .storage(let storage) = self[arguments[0]],
                let offset = integer(arguments[1]), let shape = integers(arguments[2]),
                let strides = integers(arguments[3])
            else { break }
            return try add(
                PickledTensor(storages[Int(storage)], offset: offset, shape: shape, strides: strides))
        case .rebuildParameter:
            guard arguments.count == 3, case .tensor = self[arguments[0]] else { break }
            return arguments[0]
        case .storage: break
        }
        throw PickleError(.badPickle, "a tensor is not described as PyTorch describes it")
    }

    /// The storage that the tuple `number` names: the word, the type, the key, the device and the number of elements.
    mutating func storage(_ number: Int32) throws(PickleError) -> Int32 {
        guard case .tuple(let parts) = self[number], parts.count == 5, case .text("storage") = self[parts[0]],
            case .known(.storage(let type)) = self[parts[1]], case .text(let key) = self[parts[2]],
            let count = integer(parts[4]), count >= 0
        else { throw PickleError(.badPickle, "a storage is not named as PyTorch names it") }
        return try add(PickledStorage(type: type, key: key, count: count))
    }
}
