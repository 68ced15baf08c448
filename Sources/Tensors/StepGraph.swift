import CTorch

/// A step that is done again and again on the same memory, recorded once as a CUDA graph: a replay costs one launch.
///
/// The first run does the step as it stands, which warms the libraries up; the second one records it. Without CUDA, or
/// turned off, or where it cannot be recorded, every run does the step as it stands: the results are those of the same
/// operations either way.
package final class StepGraph {
    private var graph: UnsafeMutableRawPointer?
    private let device: Device
    private var isRecording: Bool
    private var hasRun = false

    /// A graph on `device`; nothing is recorded unless `isEnabled`.
    package init(on device: Device, isEnabled: Bool) {
        self.device = device
        isRecording = isEnabled && device != .cpu && ct_cuda_is_built()
    }

    deinit { if let graph { ct_graph_free(graph) } }

    /// Does `step`, which reads and writes the same tensors at every run, never waits for the device and copies nothing
    /// from the processor's memory.
    ///
    /// The engine that runs it needs a stream of its own, which those of an `EnginePool` have.
    package func run(_ step: () throws(TorchError) -> Void) throws(TorchError) {
        guard isRecording, hasRun else {
            hasRun = true
            return try step()
        }
        if graph == nil { graph = record(step) }
        guard let graph else {
            isRecording = false
            return try step()
        }
        try perform("graph replay") { ct_graph_run(graph) }
    }

    /// The recorded step; nil where it cannot be recorded: nothing of it was done then, and nothing is left behind.
    private func record(_ step: () throws(TorchError) -> Void) -> UnsafeMutableRawPointer? {
        var begun: UnsafeMutableRawPointer?
        guard ct_graph_begin(device.code, &begun) == 0, let begun else { return nil }
        do throws(TorchError) {
            try step()
        } catch {
            if ct_graph_end(begun) == 0 { ct_graph_free(begun) }  // the stream must leave the recording
            return nil
        }
        return ct_graph_end(begun) == 0 ? begun : nil
    }
}
