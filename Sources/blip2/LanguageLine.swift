import BLIP2Training
import LanguageModels
import Layers
import ModelFolders
import Reports
import Tensors
import VisionLanguage

extension LanguagePart {
    /// Tensors, parameters and bytes of the frozen language model that `configuration` describes, in words.
    func line(_ configuration: LanguageModelConfiguration, on device: Device) throws -> String {
        let checkpoint = try checkpoint()
        let names = checkpoint.names
        let parameters = names.reduce(0) { $0 + (checkpoint.shape(of: $1) ?? []).reduce(1, *) }
        let dtype = precision.dtype(on: device)
        return "frozen: language model, \(configuration.family), \(Figures.counted(names.count, "tensor")), "
            + "\(Figures.grouped(parameters)) parameters, \(Figures.bytes(parameters * dtype.byteCount)) as "
            + "\(dtype.rawValue), from \(folder.path)"
    }
}
