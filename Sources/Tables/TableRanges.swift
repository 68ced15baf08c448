import CParquet
import Glibc
import Samples

/// `file` as Arrow reads it: its ranges are asked for when they are needed.
func ranges(of file: any ByteRanges) -> cpq_ranges_t {
    cpq_ranges_t(
        context: Unmanaged.passRetained(Context(file)).toOpaque(), byte_count: Int64(file.byteCount),
        read: { context, offset, count, buffer in
            guard let context, let buffer else { return -1 }
            let file = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue().file
            var bytes = [UInt8](repeating: 0, count: Int(count))
            do throws(UnreadableBytes) {
                let got = try file.read(at: Int(offset), into: &bytes)
                if got > 0 { memcpy(buffer, bytes, got) }
                return Int64(got)
            } catch {
                cpq_read_failed(error.reason)
                return -1
            }
        }, release: { context in context.map { Unmanaged<Context>.fromOpaque($0).release() } })
}

private final class Context {
    let file: any ByteRanges
    init(_ file: any ByteRanges) { self.file = file }
}
