import CCurl
import Glibc

/// A reusable transfer handle of libcurl: what is the same for all transfers is set once.
///
/// It lives and is used on the loop's thread only. The callbacks reach it by its address, which libcurl holds as long as
/// `pointer` exists; they forward to the exchange that is under way.
final class EasyHandle {
    let pointer: UnsafeMutableRawPointer
    /// The exchange under way.
    private(set) var exchange: Exchange?
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var resolution: UnsafeMutablePointer<curl_slist>?
    private let sockets: OpenSockets
    /// The socket under way with what had come over it before; looked for where chunks may hide more than the body.
    private var wire: (descriptor: Int32, before: Int64)?
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    /// Whether all connections are to a proxy, which finds and reaches the hosts.
    private let usesProxy: Bool

    /// A handle whose requests say that they come from `userAgent`, through `proxy` unless that is empty; `sockets` must outlive its
    /// connections.
    init(userAgent: String, proxy: String, sockets: OpenSockets) {
        self.sockets = sockets
        usesProxy = !proxy.isEmpty
        guard let pointer = curl_easy_init() else { preconditionFailure("no memory for a transfer handle") }
        self.pointer = pointer
        let context = Unmanaged.passUnretained(self).toOpaque()

        // 1. Nothing from the environment, nothing but HTTP, no redirect that we have not judged.
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_PROXY, proxy)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        if let certificates = Certificates.file { set(CURLOPT_CAINFO, certificates) }
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_USERAGENT, userAgent)
        set(CURLOPT_HTTP_CONTENT_DECODING, 0)  // what servers mean by it is found out here
        set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)

        // 2. No signals; a name that is still being looked up holds nobody up when its transfer ends.
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_QUICK_EXIT, 1)
        set(CURLOPT_DNS_CACHE_TIMEOUT, 300)
        set(CURLOPT_BUFFERSIZE, 32_768)
        // Bounds count transfers: connections that are kept for reuse must not stay at a host beside those of others.
        set(CURLOPT_MAXAGE_CONN, 10)
        ccurl_set_pointer(pointer, CURLOPT_ERRORBUFFER, errorText)

        // 3. Where heads, bodies and addresses go.
        ccurl_set_write_callback(pointer, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
            return EasyHandle.at(context).exchange?.receive(headerLine: line) == true ? line.count : 0
        }
        ccurl_set_write_callback(pointer, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            let part = UnsafeRawBufferPointer(start: bytes, count: size * count)
            return EasyHandle.at(context).exchange?.receive(body: part) == true ? part.count : 0
        }
        ccurl_set_open_socket_callback(pointer) { context, _, address in
            guard let address else { return -1 }
            return EasyHandle.at(context).openSocket(to: address)
        }
        // A connection may outlive the handle that opened it.
        ccurl_set_close_socket_callback(pointer) { context, descriptor in
            guard let context else { return -1 }
            return Unmanaged<OpenSockets>.fromOpaque(context).takeUnretainedValue().close(descriptor)
        }
        ccurl_set_pointer(pointer, CURLOPT_CLOSESOCKETDATA, Unmanaged.passUnretained(sockets).toOpaque())
        ccurl_set_progress_callback(pointer) { context, _, _, _, _ in EasyHandle.at(context).checkWire() ? 0 : 1 }
        set(CURLOPT_NOPROGRESS, 0)
        for option in [
            CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_OPENSOCKETDATA, CURLOPT_XFERINFODATA, CURLOPT_PRIVATE,
        ] {
            ccurl_set_pointer(pointer, option, context)
        }
    }

    deinit {
        curl_easy_cleanup(pointer)
        curl_slist_free_all(headers)
        curl_slist_free_all(resolution)
        errorText.deallocate()
    }

    /// The handle that libcurl gives back as `context`.
    static func at(_ context: UnsafeMutableRawPointer?) -> EasyHandle {
        guard let context else { preconditionFailure("a transfer handle without its object") }
        return Unmanaged<EasyHandle>.fromOpaque(context).takeUnretainedValue()
    }

    /// Makes the handle ready for `exchange`.
    func prepare(_ exchange: Exchange) {
        let request = exchange.request
        self.exchange = exchange
        wire = nil
        errorText.pointee = 0
        set(CURLOPT_URL, request.url)
        set(CURLOPT_TIMEOUT_MS, Int(min(max(1, request.timeout / .milliseconds(1)), 1e9)))
        for line in request.headers { headers = curl_slist_append(headers, line) }
        ccurl_set_pointer(pointer, CURLOPT_HTTPHEADER, headers)
        if let text = exchange.resolution {
            resolution = curl_slist_append(nil, text)
            ccurl_set_pointer(pointer, CURLOPT_RESOLVE, resolution)
        }
        set(CURLOPT_HTTPGET, 1)
        set(CURLOPT_CONNECT_ONLY, request.connectsOnly ? 1 : 0)
        set(CURLOPT_FRESH_CONNECT, request.connectsOnly ? 1 : 0)
        set(CURLOPT_FORBID_REUSE, request.connectsOnly ? 1 : 0)
        if let signature = request.signature {
            set(CURLOPT_AWS_SIGV4, "aws:amz:\(signature.region):\(signature.service)")
            set(CURLOPT_USERNAME, signature.accessKey)
            set(CURLOPT_PASSWORD, signature.secretKey)
        } else {
            for option in [CURLOPT_AWS_SIGV4, CURLOPT_USERNAME, CURLOPT_PASSWORD] {
                ccurl_set_pointer(pointer, option, nil)
            }
        }
        if let body = request.body {
            ccurl_set_offset(pointer, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
            // NULL, which an empty array may give, would make libcurl ask a callback for the body.
            (body.isEmpty ? [0] : body).withUnsafeBytes {
                _ = ccurl_set_pointer(pointer, CURLOPT_COPYPOSTFIELDS, $0.baseAddress)
            }
        }
        if request.method == "GET" {
            ccurl_set_pointer(pointer, CURLOPT_CUSTOMREQUEST, nil)
        } else {
            set(CURLOPT_CUSTOMREQUEST, request.method)
        }
    }

    /// Gives the exchange back, and the time it took; the handle is free then.
    func release() -> (exchange: Exchange?, times: ExchangeAnswer.Times) {
        ccurl_set_pointer(pointer, CURLOPT_HTTPHEADER, nil)
        curl_slist_free_all(headers)
        headers = nil
        ccurl_set_pointer(pointer, CURLOPT_RESOLVE, nil)
        curl_slist_free_all(resolution)
        resolution = nil
        defer { exchange = nil }
        var newConnections = 0
        ccurl_get_long(pointer, CURLINFO_NUM_CONNECTS, &newConnections)
        let (connected, ready) = (time(CURLINFO_CONNECT_TIME_T), time(CURLINFO_PRETRANSFER_TIME_T))
        let firstByte = time(CURLINFO_STARTTRANSFER_TIME_T)
        return (
            exchange,
            ExchangeAnswer.Times(
                connect: newConnections > 0 ? max(.zero, connected - time(CURLINFO_NAMELOOKUP_TIME_T)) : nil,
                firstByte: max(.zero, firstByte - ready), elapsed: time(CURLINFO_TOTAL_TIME_T))
        )
    }

    private func time(_ info: CURLINFO) -> Duration {
        var microseconds: curl_off_t = 0
        ccurl_get_offset(pointer, info, &microseconds)
        return .microseconds(Int64(microseconds))
    }

    /// What libcurl's `code` means; its text is the same in every run.
    func outcome(of code: CURLcode) -> TransferOutcome {
        switch code {
        case CURLE_OK: return .done
        case CURLE_OPERATION_TIMEDOUT: return .timedOut
        case CURLE_FILESIZE_EXCEEDED: return .tooLarge
        case CURLE_COULDNT_CONNECT: return .notConnected(code.rawValue, connectionFault)
        case CURLE_PEER_FAILED_VERIFICATION:
            return .failed(code.rawValue, errorText.pointee == 0 ? Self.text(code) : String(cString: errorText))
        default: return .failed(code.rawValue, Self.text(code))
        }
    }

    private var connectionFault: String {
        var number = 0
        ccurl_get_long(pointer, CURLINFO_OS_ERRNO, &number)
        switch Int32(number) {
        case ECONNREFUSED: return "connection refused"
        case ENETUNREACH, EHOSTUNREACH: return "no route to the host"
        default: return "no connection"
        }
    }

    private static func text(_ code: CURLcode) -> String {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: "name lookup failed"
        case CURLE_RECV_ERROR, CURLE_SEND_ERROR: "connection broken"
        case CURLE_GOT_NOTHING: "connection closed without an answer"
        case CURLE_PARTIAL_FILE: "answer cut short"
        default: curl_easy_strerror(code).map { String(cString: $0) } ?? "unknown fault of the transfer"
        }
    }

    /// A socket for `address`, if the exchange may connect to it.
    private func openSocket(to address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        if !usesProxy {
            guard let (host, port) = Self.endpoint(address), exchange?.mayConnect(to: host, port: port) == true else {
                return -1
            }
        }
        let kind = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
        return sockets.open(address.pointee.family, kind, address.pointee.protocol)
    }

    /// Whether the transfer may go on: extensions of chunks are shown to nobody and may never end.
    private func checkWire() -> Bool {
        guard let exchange, exchange.isChunked else { return true }
        guard let wire else {
            var port = 0
            ccurl_get_long(pointer, CURLINFO_LOCAL_PORT, &port)
            if port > 0, let descriptor = sockets.descriptor(localPort: port) {
                self.wire = (descriptor, ccurl_received_byte_count(descriptor))
            }
            return true
        }
        return exchange.mayReceive(wireByteCount: Int(ccurl_received_byte_count(wire.descriptor) - wire.before))
    }

    private static func endpoint(_ address: UnsafeMutablePointer<curl_sockaddr>) -> (NetworkAddress, Int)? {
        guard let field = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return nil }
        let raw = UnsafeRawPointer(address) + field
        switch address.pointee.family {
        case AF_INET:
            let v4 = raw.loadUnaligned(as: sockaddr_in.self)
            return (NetworkAddress(ipv4: UInt32(bigEndian: v4.sin_addr.s_addr)), Int(UInt16(bigEndian: v4.sin_port)))
        case AF_INET6:
            guard address.pointee.addrlen >= MemoryLayout<sockaddr_in6>.size else { return nil }
            let v6 = raw.loadUnaligned(as: sockaddr_in6.self)
            return (NetworkAddress(ipv6: UInt128(v6.sin6_addr)), Int(UInt16(bigEndian: v6.sin6_port)))
        default:
            return nil
        }
    }

    private func set(_ option: CURLoption, _ value: Int) { ccurl_set_long(pointer, option, value) }
    private func set(_ option: CURLoption, _ value: String) {
        _ = value.withCString { ccurl_set_pointer(pointer, option, $0) }
    }
}
