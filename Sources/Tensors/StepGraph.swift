import CTorch

/// A step that is done again and again on the same memory, recorded once as a CUDA graph: a replay costs one launch.
///
/// The first run does the step as it stands, which warms the libraries up; the second one records it. Without CUDA, or
/// turned off, every run does the step as it stands: the results are those of the same operations either way.
package final class StepGraph {
    private var graph: UnsafeMutableRawPointer?
    private let isRecording: Bool
    private var hasRun = false

    /// A graph on `device`; nothing is recorded unless `isEnabled`.
    package init(on device: Device, isEnabled: Bool) {
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
        if graph == nil { graph = try record(step) }
        try perform("graph replay") { ct_graph_run(graph) }
    }

    private func record(_ step: () throws(TorchError) -> Void) throws(TorchError) -> UnsafeMutableRawPointer? {
        var begun: UnsafeMutableRawPointer?
        do throws(TorchError) {
            try perform("graph capture") { ct_graph_begin(&begun) }
            do throws(TorchError) {
                try step()
            } catch {
                if ct_graph_end(begun) == 0 { ct_graph_free(begun) }  // the stream must leave the recording
                throw error
            }
            try perform("graph capture") { ct_graph_end(begun) }
        } catch {
            throw TorchError(operation: error.operation, message: error.message + " (--no-cuda-graphs does without)")
        }
        return begun
    }
}
