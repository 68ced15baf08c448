/// Which charts a run's picture has: the total loss, its terms, and other figures.
struct CurveCharts {
    /// What the names of figures of held-out samples begin with.
    static let heldOut = "validation_"

    private static let names = [
        "loss": ("Loss", ""), "itc": ("ITC", "image-text contrastive"), "itm": ("ITM", "image-text matching"),
        "itg": ("ITG", "image-grounded generation"), "itm_accuracy": ("ITM accuracy, %", ""),
        "learning_rate": ("Learning rate", ""), "gradient_norm": ("Gradient norm", ""),
        "lowest_learning_rate": ("Lowest learning rate", ""), "samples_per_second": ("Samples a second", ""),
        "same_image_pairs": ("Same-image pairs", ""),
    ]

    private(set) var total: [ChartPanel] = []
    private(set) var terms: [ChartPanel] = []
    private(set) var figures: [ChartPanel] = []
    private let records: [RunRecord]
    private let expectations: LossExpectations
    private let limit: Int
    private let steps: ClosedRange<Double>

    init(_ records: [RunRecord], _ expectations: LossExpectations, limit: Int) {
        (self.records, self.expectations, self.limit) = (records, expectations, limit)
        let (first, last) = (Double(records.first?.step ?? 0), Double(records.last?.step ?? 1))
        steps = last > first ? first...last : first - 1...first + 1
        var named: Set<String> = []
        for record in records { named.formUnion(record.terms.keys) }
        let known = ["itc", "itg", "itm", "itm_accuracy"].filter(named.contains)
        let small = ["gradient_norm", "same_image_pairs"].filter(named.contains)
        let others = named.subtracting(known + small).filter { !$0.hasPrefix(Self.heldOut) }.sorted()
        var loss = panel("loss", 0) { $0.loss }
        loss.showsBest = true
        total = [loss]
        terms = known.enumerated().map { place, name in panel(name, place + 1) { $0.terms[name] } }
        if named.contains(Self.heldOut + "other_image") { terms.append(imageUse) }
        var rate = panel("learning_rate", 20) { $0.learningRate }
        rate.always = [0]
        rate.isExact = true
        figures = [rate]
        for (place, name) in (small + others).enumerated() {
            figures.append(panel(name, place + 21) { $0.terms[name] })
        }
        figures.append(panel("samples_per_second", 19) { $0.samplesPerSecond })
        figures = figures.map { figure in
            var figure = figure
            figure.isSmall = true
            return figure
        }
    }

    /// The loss of held-out samples with the right image, with another's and with none: as long as they are alike, the model
    /// makes no use of what it sees.
    private var imageUse: ChartPanel {
        var panel = ChartPanel(
            title: "Use of the image", detail: "held-out loss by what is shown", style: "valid",
            curve: heldOut("right_image"), steps: steps, number: 18)
        panel.name = "the right image"
        panel.isExact = true
        panel.companions = [
            .init(name: "another's", style: "other", curve: heldOut("other_image")),
            .init(name: "none", style: "none", curve: heldOut("no_image")),
        ]
        return panel
    }

    /// The figure `name` of held-out samples.
    private func heldOut(_ name: String) -> CurveBins {
        CurveBins(
            records.compactMap { record in record.terms[Self.heldOut + name].map { (record.step, $0) } }, limit: limit)
    }

    private func panel(_ name: String, _ number: Int, _ value: (RunRecord) -> Double?) -> ChartPanel {
        let (title, detail) = Self.names[name] ?? (name, "")
        let isAccuracy = name.hasSuffix("accuracy")
        let style = ["loss", "itc", "itm", "itg"].contains(name) ? name : isAccuracy ? "itm" : "small"
        var panel = ChartPanel(
            title: title, detail: detail, style: style,
            curve: CurveBins(records.compactMap { record in value(record).map { (record.step, $0) } }, limit: limit),
            steps: steps, number: number)
        panel.validation = heldOut(name)
        panel.isPercent = isAccuracy
        if let bounds = expectations.losses[name] {
            panel.references = [
                .init(name: "chance", value: bounds.chance),
                .init(name: "floor", value: bounds.floor, isBelow: bounds.floor > 0),
            ]
            if name == "itm" {
                panel.references.append(
                    .init(name: "by the ratio alone", value: LossExpectations.matchingByRatio, isBelow: true))
            }
        }
        if name == "itm_accuracy", expectations.losses["itm"] != nil {
            panel.references = [.init(name: "chance", value: LossExpectations.matchingChance)]
            panel.always = [LossExpectations.matchingChance]
        }
        return panel
    }
}
