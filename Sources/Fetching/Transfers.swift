import CCurl

/// The transfers under way in one multi handle of libcurl, and the handles for them.
///
/// Used on the loop's thread only.
final class Transfers {
    private let multi: UnsafeMutableRawPointer
    private let userAgent: String
    private let proxy: String
    private let sockets = OpenSockets()
    private var running: [ObjectIdentifier: EasyHandle] = [:]
    private var idle: [EasyHandle] = []

    /// Transfers of `multi`, which must outlive them, through `proxy` unless that is empty.
    init(_ multi: UnsafeMutableRawPointer, userAgent: String, proxy: String) {
        self.multi = multi
        (self.userAgent, self.proxy) = (userAgent, proxy)
    }

    func isRunning(_ exchange: Exchange) -> Bool { running[ObjectIdentifier(exchange)] != nil }

    func start(_ exchange: Exchange) {
        let handle = idle.popLast() ?? EasyHandle(userAgent: userAgent, proxy: proxy, sockets: sockets)
        handle.prepare(exchange)
        running[ObjectIdentifier(exchange)] = handle
        precondition(curl_multi_add_handle(multi, handle.pointer) == CURLM_OK, "libcurl takes no transfer")
    }

    /// Lets what is under way move, and hands over what has ended.
    func perform(_ end: (Exchange, ExchangeAnswer) -> Void) {
        var runningCount: Int32 = 0
        curl_multi_perform(multi, &runningCount)
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE else { continue }
            var context: UnsafeMutableRawPointer?
            ccurl_get_pointer(message.pointee.easy_handle, CURLINFO_PRIVATE, &context)
            let handle = EasyHandle.at(context)
            let outcome = handle.outcome(of: message.pointee.data.result)
            guard let (exchange, times) = free(handle) else { continue }
            end(exchange, exchange.answer(exchange.ending(of: outcome), times))
        }
    }

    /// Breaks the transfer of `exchange` off.
    func stop(_ exchange: Exchange) {
        if let handle = running[ObjectIdentifier(exchange)] { _ = free(handle) }
    }

    /// Ends all as `ending`, and hands them over; no handle is left.
    func stopAll(_ ending: ExchangeAnswer.Ending, _ end: (Exchange, ExchangeAnswer) -> Void) {
        for handle in Array(running.values) {
            guard let (exchange, times) = free(handle) else { continue }
            end(exchange, exchange.answer(ending, times))
        }
        idle = []
    }

    /// Takes `handle` out of libcurl's hands.
    private func free(_ handle: EasyHandle) -> (exchange: Exchange, times: ExchangeAnswer.Times)? {
        curl_multi_remove_handle(multi, handle.pointer)
        let (exchange, times) = handle.release()
        idle.append(handle)
        guard let exchange else { return nil }
        running[ObjectIdentifier(exchange)] = nil
        return (exchange, times)
    }
}
