/// The tensors of a file that `torch.save` wrote: what they are called, and where in the file their elements are.
///
/// The file is a zip archive of members that are stored as they are: a pickle, `data.pkl`, and a member for each storage. Only
/// the pickle and the archive's directory are read.
package struct PickledTensors {
    /// A tensor, and where its first element is.
    package struct Place: Equatable {
        package let tensor: PickledTensor
        /// The bytes from its first element to its last, from the start of the file.
        package let bytes: Range<Int>
    }

    package let places: [String: Place]

    /// The names under which training code keeps the parameters, beside optimizers and settings.
    private static let wrappers = ["model", "state_dict", "module"]
    private static let mostTensors = 500_000

    /// The tensors of the file of `byteCount` bytes, of which `read` gives ranges that are in it.
    package init(byteCount: Int, read: @escaping (Range<Int>) -> [UInt8]) throws(PickleError) {
        let members = try StoredMembers(byteCount: byteCount, read: read)()
        let pickles = members.filter { $0.key.hasSuffix("/data.pkl") && $0.key.split(separator: "/").count == 2 }
        guard let pickle = pickles.first, pickles.count == 1 else {
            throw PickleError(
                .badArchive, "no archive of torch.save: it has \(pickles.count) members data.pkl, not one")
        }
        let root = pickle.key.dropLast("data.pkl".count)
        guard members[root + "constants.pkl"] == nil else { throw PickleError.program }
        if let order = members[root + "byteorder"], order.count < 16, read(order) != Array("little".utf8) {
            throw PickleError(.badArchive, "its numbers are not little-endian: save it again on a machine that is")
        }
        guard pickle.value.count <= PickleLimits.byteCount else {
            throw PickleError(.tooLarge, "its pickle has \(pickle.value.count) bytes")
        }
        let graph = try PickleReader.graph(of: read(pickle.value))
        var places: [String: Place] = [:]
        for (name, tensor) in try Self.named(graph) {
            places[name] = try Self.place(name, tensor, in: members[root + "data/" + tensor.key])
        }
        self.places = places
    }

    /// Where the elements of `tensor` are, whose storage is the member `bytes`.
    private static func place(
        _ name: String, _ tensor: PickledTensor, in bytes: Range<Int>?
    ) throws(PickleError) -> Place {
        let size = tensor.type.byteCount
        guard let bytes else {
            throw PickleError(.badArchive, tensor: name, "its storage, data/\(tensor.key), is not in the archive")
        }
        guard bytes.count / size == tensor.storageCount else {
            throw PickleError(
                .badTensor, tensor: name,
                "its storage should have \(tensor.storageCount) elements of \(size) bytes, but "
                    + "data/\(tensor.key) has \(bytes.count) bytes")
        }
        // The storage has all elements of the tensor, and the file has all bytes of the storage.
        let start = bytes.lowerBound + tensor.offset * size
        return Place(tensor: tensor, bytes: start..<start + tensor.span * size)
    }

    /// The tensors of `graph` by name: its own, or those of the dictionary that training code puts them into.
    private static func named(_ graph: PickleGraph) throws(PickleError) -> [String: PickledTensor] {
        guard case .dictionary(let parts) = graph[graph.root] else {
            throw PickleError(.badPickle, "it is no dictionary of tensors: save a state_dict")
        }
        if try tensors(graph, parts, isAll: false).isEmpty {
            let inner = try texts(graph, parts)
            for wrapper in wrappers {
                guard let number = inner.first(where: { $0.key == wrapper })?.value,
                    case .dictionary(let own) = graph[number]
                else { continue }
                let found = try tensors(graph, own, isAll: true)
                if !found.isEmpty { return found }
            }
            let keys = inner.prefix(8).map(\.key).joined(separator: ", ")
            throw PickleError(
                .badPickle,
                "no tensors by name, neither in it nor under model, state_dict or module; its keys: "
                    + (keys.isEmpty ? "none" : keys))
        }
        return try tensors(graph, parts, isAll: true)
    }

    private static func texts(_ graph: PickleGraph, _ parts: [Int32]) throws(PickleError) -> [(
        key: String, value: Int32
    )] {
        stride(from: 0, to: parts.count, by: 2).compactMap { place in
            guard case .text(let key) = graph[parts[place]] else { return nil }
            return (key, parts[place + 1])
        }
    }

    /// The tensors of a dictionary of keys and values by turns, which holds nothing else where `isAll`.
    private static func tensors(
        _ graph: PickleGraph, _ parts: [Int32], isAll: Bool
    ) throws(PickleError) -> [String: PickledTensor] {
        var found: [String: PickledTensor] = [:]
        for place in stride(from: 0, to: parts.count, by: 2) {
            guard case .text(let name) = graph[parts[place]], case .tensor(let number) = graph[parts[place + 1]] else {
                guard isAll else { continue }
                guard case .text(let name) = graph[parts[place]] else {
                    throw PickleError(.badPickle, "a tensor's name is no text")
                }
                throw PickleError(.badPickle, tensor: name, "not a tensor, but it stands among them")
            }
            guard found.updateValue(graph.tensors[Int(number)], forKey: name) == nil else {
                throw PickleError(.badPickle, tensor: name, "it is there twice")
            }
            guard found.count <= mostTensors else { throw PickleError(.tooLarge, "more than \(mostTensors) tensors") }
        }
        return found
    }
}
