package import Commands
import Coordination
import Files
package import Slurm
import SourceAdapters
import Storage
import Transport

extension CommandError {
    /// What ended a build, as its command tells it; nil where that is no fault that a build knows of.
    package init?(endOf error: any Error) {
        switch error {
        case let error as CommandError: self = error
        case _ where isDiskFull(error):
            self.init(.unavailable, "\(error); make room, and run the same command")
        case let error as CoordinationError: self.init(error.exitCode, "\(error)")
        case let error as StorageError: self.init(error.exitCode, "\(error)")
        case let error as FileError: self.init(.failedWork, "\(error)")
        case let error as SourceError: self.init(.badInput, "\(error)")
        case let error as SlurmError: self.init(error)
        case let error as TransportError: self.init(error.code == .listen ? .unavailable : .badInput, "\(error)")
        default: return nil
        }
    }

    /// What Slurm said; a request that it refuses is bad input.
    package init(_ error: SlurmError) {
        switch error.code {
        case .refused, .missing: self.init(.badInput, "\(error)")
        case .unreachable, .unexpected: self.init(.unavailable, "\(error)")
        }
    }
}

extension StorageError {
    /// A folder that cannot be used is bad input; a disk that has filled up leaves work to be resumed.
    fileprivate var exitCode: CommandError.Code {
        switch code {
        case .create, .open, .read, .occupied, .missing: .badInput
        case .write, .sync, .publish, .remove: .failedWork
        }
    }
}

extension CoordinationError {
    fileprivate var exitCode: CommandError.Code {
        switch code {
        case .manifestChanged, .planning, .newerSchema, .olderSchema: .badInput
        case .locked, .deposed: .unavailable
        case .store where isOutage: .unavailable
        case .store, .publish: .failedWork
        case .badResult, .busy, .conflict: .internalFault
        }
    }
}
