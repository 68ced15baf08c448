import Locks
import Samples

/// Which records of some files belong to which image, for lists that say one thing at a time.
///
/// Only places are held, about 100 bytes an image and 16 a record: COCO's 123,287 images with their captions are 25 MB.
struct ImageIndex {
    /// A record: the number of its file, and its bytes there.
    struct Place {
        let offset: Int
        let byteCount: UInt32
        let file: UInt32
    }

    private var numbers: [String: Int] = [:]
    /// Of each image, in the order in which the images were first named.
    private(set) var records: [[Place]] = []

    /// Adds the record at `place` to `image`; `names` says whether a record alone makes an image, or belongs to one only.
    mutating func add(_ place: Place, to image: String, names: Bool = true) {
        if let number = numbers[image] { return records[number].append(place) }
        guard names else { return }
        numbers[image] = records.count
        records.append([place])
    }
}

/// Goes over the images of an index; `meaning` reads the records of one.
final class IndexCursor: ListCursor {
    let path: String
    private let index: ImageIndex
    private let meaning: ([ImageIndex.Place]) throws(SourceError) -> ListedFields
    private var number: Int

    init(
        _ path: String, _ index: ImageIndex, at number: Int,
        meaning: @escaping ([ImageIndex.Place]) throws(SourceError) -> ListedFields
    ) {
        (self.path, self.index, self.number, self.meaning) = (path, index, number, meaning)
    }

    var position: InputPosition { InputPosition(file: 0, offset: number) }
    var place: ListPlace { ListPlace(unit: "image", number: number) }

    func next() throws(SourceError) -> ListedFields? {
        guard number < index.records.count else { return nil }
        number += 1
        return try meaning(index.records[number - 1])
    }

    func skip(_ count: Int) -> Int {
        let found = min(count, index.records.count - number)
        number += found
        return found
    }
}

/// An index that is made when it is first asked for, once for all units of a source.
final class SharedIndex: Sendable {
    private let made = Locked<ImageIndex?>(nil)

    func get(_ make: () throws(SourceError) -> ImageIndex) throws(SourceError) -> ImageIndex {
        try made.withLock { made throws(SourceError) in
            if let made { return made }
            let index = try make()
            made = index
            return index
        }
    }
}
