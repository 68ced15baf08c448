import Foundation
import Yams

/// Where and how fast a worker runs: nothing here can change a byte of a shard, `batch` apart.
package struct WorkerProfile: Sendable, Equatable {
    /// Where the models run: `auto`, `cpu` or `cuda:N`; the worker that runs there says whether it can.
    package var device = "auto"
    /// Threads of the models; 0 takes one for each core.
    package var threads = 0
    /// Transfers in flight at once, over all units of the worker.
    package var connections = 128
    /// Work units in flight at once: the next begins when the last row of one was started.
    ///
    /// One whose rows all wait for hosts in trouble does not count.
    package var units = 4
    /// Rows in flight at once, over all units of the worker, apart from those whose hosts are in trouble.
    package var window = 512
    /// Rows whose hosts are in trouble; beyond that they count in `window`, too.
    package var putOff = 4096
    /// Bytes of images, as fetched and as pixels, that all units hold together, before no more rows are started.
    package var imageBytes = 64 << 20
    /// Where rows lie that are done while their shard is not; the output's own scratch folder where it is empty.
    package var scratch = ""
    /// Bytes that may lie there before no more units are begun.
    package var scratchBytes = 16 << 30
    /// Images computed at once on a CUDA device; 0 chooses by its free memory.
    ///
    /// The one key that can change a bit of a result, on a CUDA device: docs/decisions/0014 says how.
    package var batch = 0
    /// The servers that are asked for the names of images' hosts, as `address` or `address:port`; empty for the system's.
    package var dnsServers: [String] = []
    /// The proxy through which images are fetched, such as `http://proxy.cluster:3128`; empty for none.
    package var proxy = ""
    /// Whether steps of decoding are recorded as CUDA graphs.
    package var cudaGraphs = true

    package init() {}

    /// Whether `text` is `auto`, `cpu` or `cuda:N`.
    package static func isDevice(_ text: String) -> Bool {
        text == "auto" || text == "cpu" || text.hasPrefix("cuda:") && Int(text.dropFirst(5)).map { $0 >= 0 } ?? false
    }

    /// Reads a profile from YAML text; keys that are absent keep their defaults.
    package init(yaml: String) throws(ManifestError) {
        let node = try composed(yaml)
        let reader = try MappingReader(node ?? Node.mapping([:]), path: "")
        device = try reader.string("device", default: device)
        guard Self.isDevice(device) else { throw reader.fault(.invalid, "device", "want auto, cpu or cuda:N") }
        threads = try reader.int("threads", default: threads, in: 0...4096)
        connections = try reader.int("connections", default: connections, in: 1...100_000)
        units = try reader.int("units", default: units, in: 1...64)
        window = try reader.int("window", default: window, in: 1...1_000_000)
        putOff = try reader.int("put_off", default: putOff, in: 0...1_000_000)
        imageBytes = try reader.int("image_bytes", default: imageBytes, in: (1 << 20)...Int.max)
        scratch = try reader.string("scratch", default: scratch)
        scratchBytes = try reader.int("scratch_bytes", default: scratchBytes, in: 1...Int.max)
        batch = try reader.int("batch", default: batch, in: 0...4096)
        if let node = reader.node("dns_servers") {
            dnsServers = try reader.strings(
                node, "dns_servers", want: "addresses such as 127.0.0.1:5353", mayBeEmpty: true)
        }
        proxy = try reader.string("proxy", default: proxy)
        guard proxy.isEmpty || proxy.wholeMatch(of: /(?:http|https|socks5h):\/\/[^\/\s@]+/) != nil else {
            throw reader.fault(.invalid, "proxy", "want http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT")
        }
        cudaGraphs = try reader.bool("cuda_graphs", default: cudaGraphs)
        try reader.finish()
    }

    /// Reads the profile in the file `path`.
    package init(contentsOfFile path: String) throws(ManifestError) {
        guard let data = FileManager.default.contents(atPath: path), let text = String(data: data, encoding: .utf8)
        else {
            throw ManifestError(code: .unreadable, line: nil, keyPath: "", hint: "no such file, or not UTF-8 text")
        }
        try self.init(yaml: text)
    }
}
