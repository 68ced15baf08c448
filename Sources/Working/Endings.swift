import Captioning
package import Commands
import ModelFolders
import Stages
import Tensors
import Transport

extension CommandError {
    /// What ended a worker, as its command tells it; nil where that is no fault that a worker knows of.
    package init?(endOfWork error: any Error) {
        switch error {
        case let error as CommandError: self = error
        case let error as DiskFull: self.init(.outage, "\(error)")
        case let error as TransportError: self.init(error.code == .token ? .badInput : .unavailable, "\(error)")
        case let error as ModelError: self.init(.badInput, "\(error)")
        case let error as TorchError where error.kind == .deviceLost: self.init(.internalFault, "\(error)")
        default: return nil
        }
    }
}
