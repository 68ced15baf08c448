import Dispatch
import Foundation

/// Calls a function at each signal of one kind, from another thread, while it lives.
package final class SignalWatch {
    private let source: any DispatchSourceSignal

    package init(_ number: Int32, _ body: @escaping @Sendable () -> Void) {
        signal(number, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler(handler: body)
        source.resume()
    }

    deinit { source.cancel() }
}
