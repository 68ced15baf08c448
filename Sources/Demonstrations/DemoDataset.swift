import Samples

/// A small data set of ``Scene``s behind a web-style list; a third of its captions are wrong or junk, and some rows are broken.
///
/// Row `n` depends on the seed and on `n` alone, so a longer data set begins with the shorter one.
package struct DemoDataset: Hashable, Sendable {
    /// Whence all chance comes.
    package let seed: UInt64
    /// How many rows.
    package let count: Int
    /// Whether every row is sound and its caption true, as those that people wrote: what models are trained on.
    package let isClean: Bool

    /// `count` rows from `seed`.
    package init(seed: UInt64, count: Int, isClean: Bool = false) {
        precondition(count >= 0, "a data set has no negative number of rows")
        self.seed = seed
        self.count = count
        self.isClean = isClean
    }

    /// How many captions the list gives an image: five where people wrote them, as in COCO.
    var captionCount: Int { isClean ? 5 : 1 }

    /// The captions of a row, as many as the list gives it; all behind the first are true.
    func captions(_ row: DemoRow) -> [String] {
        var random = DemoRandom(seed: seed ^ 0x6D6F_7265, stream: UInt64(row.row))
        let scene = scene(row.row)
        return [row.webCaption] + (1..<max(1, captionCount)).map { _ in Grammar.caption(of: scene, using: &random) }
    }

    /// The rows, made one at a time.
    package var rows: some Sequence<DemoRow> { (0..<count).lazy.map(row) }

    /// The scene of row `index`.
    package func scene(_ index: Int) -> Scene { Scene(seed: seed, index: index) }

    /// Row `index`.
    package func row(_ index: Int) -> DemoRow {
        let scene = scene(index)
        var random = DemoRandom(seed: seed ^ 0x726F_7773, stream: UInt64(index))
        let caption = Grammar.caption(of: scene, using: &random)
        let oddity = isClean ? nil : oddity(index)
        let format = oddity == .turned ? .jpeg : random.pick([DemoRow.Format.jpeg, .jpeg, .jpeg, .png, .webp])
        let webCaption =
            isClean
            ? caption
            : isCaptionFalse(index)
                ? falseCaption(of: scene, using: &random) : WebCaption.dressed(caption, using: &random)
        let digits = String(index)
        let name = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        return DemoRow(
            row: index,
            file: oddity == .noURL ? nil : "\(oddity?.folder ?? "images")/\(name).\(format.rawValue)",
            format: format, quality: random.pick([75, 85, 90, 95]), oddity: oddity, scene: scene, caption: caption,
            webCaption: webCaption, webCaptionIsTrue: Grammar.isTrue(webCaption, of: scene),
            expectedStatus: oddity?.rejection?.rawValue ?? "success")
    }

    /// One row of every three.
    private func isCaptionFalse(_ index: Int) -> Bool {
        var random = DemoRandom(seed: seed ^ 0x6661_6C73, stream: UInt64(index / 3))
        return random.below(3) == index % 3
    }

    /// Each oddity once, at another place, in every 60 rows.
    private func oddity(_ index: Int) -> DemoRow.Oddity? {
        let period = 60
        var random = DemoRandom(seed: seed ^ 0x6F64_6473, stream: UInt64(index / period))
        let places = random.shuffled(Array(0..<period)).prefix(DemoRow.Oddity.allCases.count)
        return places.firstIndex(of: index % period).map { DemoRow.Oddity.allCases[$0] }
    }

    /// Two times in three the caption of another scene, else junk; never true of `scene`.
    private func falseCaption(of scene: Scene, using random: inout DemoRandom) -> String {
        guard random.below(3) > 0 else { return WebCaption.junk(using: &random) }
        while true {
            let other = Scene(seed: seed ^ 0x6F74_6872, index: random.below(1 << 30))
            let caption = Grammar.caption(of: other, using: &random)
            if !Grammar.isTrue(caption, of: scene) { return WebCaption.dressed(caption, using: &random) }
        }
    }
}
