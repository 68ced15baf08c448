import Yams

extension RunSettings.Data {
    /// With `asks` every set has questions.
    init(_ reader: MappingReader, _ images: RunSettings.Images, asks: Bool) throws(ManifestError) {
        questions = asks ? try RunSettings.QuestionFiles.list(reader) : nil
        sets = try Self.sets(reader, images, asks: asks, common: questions)
        mixing = try reader.choice("mixing", default: .samples)
        shuffle = try Shuffle(section("shuffle", of: reader))
        damageLimit = try reader.int("damage_limit", default: 100, in: 0...Int.max)
        try reader.finish()
    }

    private static func sets(
        _ reader: MappingReader, _ images: RunSettings.Images, asks: Bool, common: [RunSettings.QuestionFiles]?
    ) throws(ManifestError) -> [Set] {
        guard let node = reader.node("sets") else { return [] }
        guard case .sequence(let list) = node, !list.isEmpty else {
            throw reader.fault(.wrongType, "sets", "want a list of {path: ...}, at least one")
        }
        var sets: [Set] = []
        for (index, node) in list.enumerated() {
            let item = try MappingReader(node, path: reader.full("sets") + "[\(index)]")
            let set = try Set(item, images, asks: asks)
            if asks, set.questions ?? common == nil {
                throw item.fault(.missingKey, "questions", "add it: " + RunSettings.QuestionFiles.want)
            }
            if let first = sets.first, (first.share == nil) != (set.share == nil) {
                throw item.fault(.invalid, "share", "give every set a share, or none: then each has its size")
            }
            sets.append(set)
        }
        return sets
    }
}

extension RunSettings.Data.Set {
    fileprivate init(_ reader: MappingReader, _ images: RunSettings.Images, asks: Bool) throws(ManifestError) {
        paths = try reader.strings(
            reader.required("path", "add it: an output of the pipeline, or a list of them"), "path",
            want: "an output of the pipeline, or a list of them")
        share =
            reader.node("share") == nil ? nil : try reader.double("share", default: 1, want: "more than 0") { $0 > 0 }
        self.images = try reader.node("images").map { node throws(ManifestError) in
            try RunSettings.Images(MappingReader(node, path: reader.full("images")), images, ofSet: true)
        }
        questions = asks ? try RunSettings.QuestionFiles.list(reader) : nil
        try reader.finish()
    }
}

extension RunSettings.Data.Shuffle {
    fileprivate init(_ reader: MappingReader) throws(ManifestError) {
        shards = try reader.int("shards", default: 4, in: 1...1024)
        samples = try reader.int("samples", default: 4096, in: 1...10_000_000)
        bytes = try reader.int("bytes", default: 512 << 20, in: 1...Int.max)
        try reader.finish()
    }
}

extension RunSettings.Images {
    /// BLIP-2's.
    static let standard = Self(
        size: nil, crop: .area(0.5...1, aspect: 3.0 / 4...4.0 / 3), flip: true, randAugment: false)

    /// The images of all sets, or of one; `fallback` has what is not said.
    init(_ reader: MappingReader, _ fallback: Self, ofSet: Bool = false) throws(ManifestError) {
        size = ofSet ? nil : try reader.optionalInt("size", in: 1...16_384) ?? fallback.size
        crop = try Crop(reader, "crop") ?? fallback.crop
        flip = try reader.bool("flip", default: fallback.flip)
        randAugment = try reader.bool("rand_augment", default: fallback.randAugment)
        try reader.finish()
    }
}

extension RunSettings.Images.Crop: Encodable {
    private static let want =
        "want none, {sides: 0.8} for at least that share of each side, or {area: [0.5, 1], aspect: [0.75, 1.33]}"

    private enum CodingKeys: String, CodingKey { case sides, area, aspect }

    /// The value of `key`; nil where there is none.
    fileprivate init?(_ reader: MappingReader, _ key: String) throws(ManifestError) {
        guard let node = reader.node(key) else { return nil }
        guard case .mapping = node else {
            guard node.scalar?.string == "none" else { throw reader.fault(.invalid, key, Self.want) }
            self = .whole
            return
        }
        let parts = try MappingReader(node, path: reader.full(key))
        if parts.node("sides") != nil {
            let share = try parts.double("sides", default: 1, want: "more than 0 and at most 1") { $0 > 0 && $0 <= 1 }
            self = .sides(share)
        } else {
            guard parts.node("area") != nil else { throw reader.fault(.invalid, key, Self.want) }
            let area = try parts.range("area", want: "two shares such as [0.5, 1]") { $0 > 0 && $0 <= 1 }
            let aspect =
                try parts.node("aspect") == nil
                ? 3.0 / 4...4.0 / 3 : parts.range("aspect", want: "two ratios such as [0.75, 1.33]") { $0 > 0 }
            self = .area(area, aspect: aspect)
        }
        try parts.finish()
    }

    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .whole:
            var value = encoder.singleValueContainer()
            try value.encode("none")
        case .sides(let share):
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(share, forKey: .sides)
        case .area(let area, let aspect):
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode([area.lowerBound, area.upperBound], forKey: .area)
            try values.encode([aspect.lowerBound, aspect.upperBound], forKey: .aspect)
        }
    }
}

extension MappingReader {
    /// A list of two numbers, the first not above the second.
    fileprivate func range(
        _ key: String, want: String, where allowed: (Double) -> Bool
    ) throws(ManifestError) -> ClosedRange<Double> {
        let numbers = try self.numbers(key, want: want)
        guard numbers.count == 2, numbers.allSatisfy(allowed), numbers[0] <= numbers[1] else {
            throw fault(.invalid, key, "want \(want)")
        }
        return numbers[0]...numbers[1]
    }

    /// A list of numbers.
    func numbers(_ key: String, want: String) throws(ManifestError) -> [Double] {
        guard let node = node(key), case .sequence(let list) = node else {
            throw fault(.wrongType, key, "want \(want)")
        }
        var numbers: [Double] = []
        for item in list {
            guard let number = item.float, number.isFinite else { throw fault(.wrongType, key, "want \(want)") }
            numbers.append(number)
        }
        return numbers
    }
}
