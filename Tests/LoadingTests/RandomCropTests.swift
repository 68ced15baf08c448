import Foundation
import Images
import TestSupport
import Testing

@testable import Loading

@Suite("A random part") struct RandomCropTests {
    @Test("has at least the share of each side that was asked for")
    func shareOfSides() {
        var widths: Set<Int> = []
        for position in 0..<400 {
            var chance = Chance(seed: 3, .crop, position)
            let part = RandomCrop.sides(atLeast: 0.8).rectangle(in: Size(width: 50, height: 20), &chance)
            #expect((40...50).contains(part.size.width) && (16...20).contains(part.size.height))
            #expect(part.x >= 0 && part.x + part.size.width <= 50 && part.y >= 0 && part.y + part.size.height <= 20)
            widths.insert(part.size.width)
        }
        #expect(widths.count == 11)
    }

    /// What torchvision's `RandomResizedCrop.get_params` draws for one size of image, as the deciles of many draws.
    struct Golden: Decodable {
        let width: Int
        let height: Int
        /// Figure (`width`, `height`, `x`, `y`) -> its percentiles, from the 0th to the 100th in steps of ten.
        let deciles: [String: [Double]]
        /// Figure -> the mean.
        let means: [String: Double]
    }

    /// `Goldens/make_loader_goldens.py` writes them.
    static func goldens() throws -> [Golden] {
        let path = Project.root + "/Tests/Goldens/loader/crops.json"
        return try JSONDecoder().decode([Golden].self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }

    @Test("is drawn as torchvision's RandomResizedCrop draws it, for images of every shape")
    func likeTorchvision() throws {
        for golden in try Self.goldens() {
            let draws = (0..<20_000).map { position in
                var chance = Chance(seed: 5, .crop, position)
                return RandomCrop.blip2.rectangle(in: Size(width: golden.width, height: golden.height), &chance)
            }
            let figures: [String: [Int]] = [
                "width": draws.map(\.size.width), "height": draws.map(\.size.height), "x": draws.map(\.x),
                "y": draws.map(\.y),
            ]
            for (name, values) in figures {
                let (sorted, side) = (values.sorted(), Double(max(golden.width, golden.height)))
                let expected = try #require(golden.deciles[name])
                for (number, decile) in expected.enumerated() {
                    let own = Double(sorted[min(sorted.count - 1, number * sorted.count / 10)])
                    #expect(abs(own - decile) <= 0.02 * side + 1, "\(golden.width)x\(golden.height) \(name) \(number)")
                }
                let mean = Double(values.reduce(0, +)) / Double(values.count)
                let wanted = try #require(golden.means[name])
                #expect(abs(mean - wanted) <= 0.006 * side + 0.1, "\(golden.width)x\(golden.height) \(name)")
            }
        }
    }
}
