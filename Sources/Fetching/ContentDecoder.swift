import CCurl

/// Undoes the content encoding of a body, part by part.
///
/// Servers write what they like into `Content-Encoding`: what names no compression changes nothing, and a body that is said to
/// be compressed and is not is taken as it is, as browsers do.
struct ContentDecoder: ~Copyable {
    private enum Form {
        case plain
        /// The first bytes will tell.
        case gzip, deflate
        case stream(OpaquePointer)
        /// Behind the end of a stream: what follows is nobody's.
        case ended
    }

    /// Compressions that nobody asked for, and nobody can undo here.
    private static let unknown: Set<String> = ["br", "zstd", "compress", "x-compress", "dcb", "dcz"]

    private var form = Form.plain
    private var start: [UInt8] = []
    private var output: [UInt8] = []

    /// A decoder for a body with the values `encodings` of `Content-Encoding`; nil if it cannot be undone.
    init?(_ encodings: [String]) {
        let names = encodings.flatMap { $0.split(separator: ",") }.map {
            $0.lowercased().filter { !$0.isWhitespace }
        }
        guard !names.contains(where: Self.unknown.contains) else { return nil }
        let compressions = names.filter { ["gzip", "x-gzip", "deflate"].contains($0) }
        guard compressions.count <= 1 else { return nil }
        if let name = compressions.first { form = name == "deflate" ? .deflate : .gzip }
    }

    deinit {
        if case .stream(let stream) = form { ccurl_inflate_free(stream) }
    }

    /// Undoes `part`, and hands over what it makes, which ends it by saying no; false if the bytes are broken.
    mutating func decode(_ part: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        switch form {
        case .plain: return take(part)
        case .gzip, .deflate:
            start.append(contentsOf: part)
            guard start.count >= 2 else { return true }
            choose()
            let first = start
            start = []
            guard case .stream = form else { return first.withUnsafeBytes { decode($0, take) } }
            var isAnything = false
            let isGood = first.withUnsafeBytes { part in
                decode(part) { bytes in
                    isAnything = isAnything || !bytes.isEmpty
                    return take(bytes)
                }
            }
            guard !isGood, !isAnything, case .stream(let stream) = form else { return isGood }
            // What does not even begin as it is said to was never compressed.
            ccurl_inflate_free(stream)
            form = .plain
            return first.withUnsafeBytes(take)
        case .stream(let stream): return inflate(stream, part, take)
        case .ended: return true
        }
    }

    /// Whether the body is whole when no more comes; hands over what is left.
    mutating func finish(_ take: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        switch form {
        case .plain, .ended: return true
        case .gzip, .deflate: return start.withUnsafeBytes(take)  // a byte, or none
        case .stream: return false
        }
    }

    /// What the first bytes are.
    private mutating func choose() {
        let (first, second) = (start[0], start[1])
        let isGzip = first == 0x1f && second == 0x8b
        let isZlib = first & 0x0f == 8 && (Int(first) << 8 | Int(second)) % 31 == 0
        // Raw bytes under `deflate` were common once; an image that is sent as it is begins with one of these.
        let isImage = [[0xff, 0xd8], [0x89, 0x50], [0x47, 0x49], [0x52, 0x49], [0x42, 0x4d]].contains([first, second])
        let isRaw = !isGzip && !isZlib
        if case .gzip = form, !isGzip { return form = .plain }
        if isRaw && isImage { return form = .plain }
        guard let stream = ccurl_inflate_create(isRaw ? 1 : 0) else { preconditionFailure("no memory for a body") }
        form = .stream(stream)
        output = [UInt8](repeating: 0, count: 32_768)
    }

    private mutating func inflate(
        _ stream: OpaquePointer, _ part: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) -> Bool
    ) -> Bool {
        var rest = part
        while true {
            var (used, made) = (rest.count, output.count)
            let code = output.withUnsafeMutableBytes {
                ccurl_inflate(stream, rest.baseAddress, &used, $0.baseAddress, &made)
            }
            guard code >= 0 else { return false }
            rest = UnsafeRawBufferPointer(rebasing: rest[used...])
            guard output.withUnsafeBytes({ take(UnsafeRawBufferPointer(rebasing: $0[..<made])) }) else { return false }
            if code == 1 {
                ccurl_inflate_free(stream)
                form = .ended
                return true
            }
            if rest.isEmpty, made < output.count { return true }
        }
    }
}
