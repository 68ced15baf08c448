package import Foundation
package import Images
package import ModelDescriptions

extension Normalization {
    /// Reads the image processor of a model that sees `view`: `json` is `preprocessor_config.json`, or
    /// `processor_config.json`, in which it `isNested`.
    ///
    /// What it does to the numbers of pixels is taken over. Throws where it makes another view, or makes it without the
    /// bicubic filter. Nil where a processor file has no image processor.
    ///
    /// Source: transformers `image_processing_backends.py`, `PilBackend`; `image_processing_utils.py`, `get_size_dict`.
    package init?(
        json: Data, isNested: Bool, _ view: ImageView
    ) throws(ConfigurationError) {
        let file = try ConfigurationObject(json: json)
        guard isNested else {
            self = try ImageProcessor(file, view).normalization
            return
        }
        let nested = try file.objectIfPresent("image_processor")
        try file.finish(.ofProcessors)
        guard let nested else { return nil }
        self = try ImageProcessor(nested, view).normalization
    }
}

/// An image processor that makes the view that is made here.
private struct ImageProcessor {
    /// What a size may say.
    private enum Extent: Equatable {
        case rectangle(height: Int, width: Int)
        case shortestEdge(Int)
    }

    let normalization: Normalization
    private let object: ConfigurationObject
    private let view: ImageView

    /// Whether the whole image is squashed, as BLIP's processor does; CLIP's cuts the middle out.
    private var squashes: Bool { view == .squashed(side: view.side) }

    init(_ object: ConfigurationObject, _ view: ImageView) throws(ConfigurationError) {
        (self.object, self.view) = (object, view)
        normalization = try Self.normalization(object)
        try checkClass()
        try checkView()
        try object.finish(.ofImageProcessors)
    }

    private static func normalization(_ object: ConfigurationObject) throws(ConfigurationError) -> Normalization {
        let standard = Normalization.clip
        let (scales, normalizes) = (try object.flag("do_rescale", true), try object.flag("do_normalize", true))
        let factor = try object.number("rescale_factor", standard.factor)
        let mean = try object.numbers("image_mean", standard.mean)
        let deviation = try object.numbers("image_std", standard.deviation)
        guard deviation.allSatisfy({ $0 != 0 }) else { throw object.error("image_std", "a deviation of 0") }
        return Normalization(
            factor: scales ? factor : 1, mean: normalizes ? mean : [0, 0, 0],
            deviation: normalizes ? deviation : [1, 1, 1])
    }

    private func checkClass() throws(ConfigurationError) {
        let name = squashes ? "BlipImageProcessor" : "CLIPImageProcessor"
        let old = squashes ? "BlipFeatureExtractor" : "CLIPFeatureExtractor"
        let names = [name, name + "Fast", name + "Pil", old].map(ConfigurationValue.text)
        try object.require("image_processor_type", names)
        try object.require("feature_extractor_type", names)
    }

    private func checkView() throws(ConfigurationError) {
        for key in ["do_resize", "do_convert_rgb"] where try !object.flag(key, true) {
            throw object.error(key, "false is not supported, only true")
        }
        guard try object.integer("resample", 3) == 3 else {
            throw object.error("resample", "only 3, the bicubic filter, is supported")
        }
        let toSquare =
            object.value("default_to_square") == .null
            ? false : try object.flag("default_to_square", squashes)
        let size = try extent("size", toSquare: toSquare) ?? standardSize
        let square = Extent.rectangle(height: view.side, width: view.side)
        let wanted = squashes ? square : .shortestEdge(view.side)
        guard size == wanted else { throw object.error("size", unfit(size, wanted)) }
        let crops = try object.flag("do_center_crop", !squashes)
        if !crops, !squashes {
            throw object.error("do_center_crop", "false is not supported: the model sees a square")
        }
        let crop = try extent("crop_size", toSquare: true) ?? (!squashes ? standardCrop : nil)
        if crops, crop != square { throw object.error("crop_size", crop.map { unfit($0, square) } ?? "missing") }
        // All views are equally large, so that padding to the largest of a batch does nothing.
        let pads = try object.flag("do_pad", false)
        let padded = try extent("pad_size", toSquare: true)
        if pads, let padded, padded != square { throw object.error("pad_size", unfit(padded, square)) }
    }

    private var standardSize: Extent {
        squashes ? .rectangle(height: 384, width: 384) : .shortestEdge(224)
    }
    private var standardCrop: Extent { .rectangle(height: 224, width: 224) }

    private func unfit(_ extent: Extent, _ wanted: Extent) -> String {
        "\(text(extent)), but the model and its \(view.side) pixels a side need \(text(wanted))"
    }

    private func text(_ extent: Extent) -> String {
        switch extent {
        case .rectangle(let height, let width): "{\"height\": \(height), \"width\": \(width)}"
        case .shortestEdge(let side): "{\"shortest_edge\": \(side)}"
        }
    }

    /// A size as a number, a list of height and width, or an object; nil where the key is absent or null.
    private func extent(_ key: String, toSquare: Bool) throws(ConfigurationError) -> Extent? {
        guard let value = object.value(key), value != .null else { return nil }
        switch value {
        case .number:
            let side = try object.size(key, 0)
            return toSquare ? .rectangle(height: side, width: side) : .shortestEdge(side)
        case .list(let values):
            let sides = values.compactMap(\.integer)
            if sides.count == 2, values.count == 2 { return .rectangle(height: sides[0], width: sides[1]) }
        case .object(let values):
            let known = values.filter { $0.value != .null }
            if known.count == 1, let side = known["shortest_edge"]?.integer { return .shortestEdge(side) }
            if known.count == 2, let height = known["height"]?.integer, let width = known["width"]?.integer {
                return .rectangle(height: height, width: width)
            }
        default: break
        }
        throw object.error(key, "\(value.shown) is not a size that is supported here")
    }
}

/// Refuses a `generation_config.json` that would change what is generated and for which the manifest has no key.
package func checkGeneration(json: Data) throws(ConfigurationError) {
    try ConfigurationObject(json: json).finish(.ofGeneration)
}
