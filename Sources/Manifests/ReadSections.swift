import Yams

extension Manifest.Shard {
    init(_ reader: MappingReader) throws(ManifestError) {
        samples = try reader.int("samples", default: 10_000, in: 1...10_000_000)
        zstdLevel = try reader.int("zstd_level", default: 3, in: 1...19)
        try reader.finish()
    }
}

extension Manifest.Image {
    init(_ reader: MappingReader) throws(ManifestError) {
        size = try reader.int("size", default: 384, in: 1...16_384)
        resize = try reader.choice("resize", default: .shortestSide)
        format = try reader.choice("format", default: .jpeg)
        quality = try reader.int("quality", default: 95, in: 1...100)
        minSide = try reader.int("min_side", default: 0, in: 0...1_000_000)
        maxAspectRatio = try reader.double("max_aspect_ratio", default: 0, want: "0 (off) or at least 1") {
            $0 == 0 || $0 >= 1
        }
        maxPixels = try reader.int("max_pixels", default: 178_956_970, in: 1...1_000_000_000)
        try reader.finish()
    }
}

extension Manifest.Fetch {
    /// The agent that servers see unless the manifest names another.
    static let defaultUserAgent = "Mozilla/5.0 (compatible; blip2-pipeline/0.1; image-text dataset builder)"

    /// Pictures that hosts of the lists' images send, with status 200, for those that are gone.
    static let knownPlaceholders = [
        "s.yimg.com/pw/images/en-us/photo_unavailable", "i.imgur.com/removed.png",
    ]

    init(_ reader: MappingReader) throws(ManifestError) {
        timeout = try reader.double("timeout", default: 10, want: "seconds, more than 0 and at most 3600") {
            $0 > 0 && $0 <= 3600
        }
        retries = try reader.int("retries", default: 2, in: 0...20)
        patience = try reader.double("patience", default: 180, want: "seconds, 0 (off) to 86400") {
            (0...86_400).contains($0)
        }
        outage = try reader.double("outage", default: 3600, want: "seconds, 0 (off) to 604800") {
            (0...604_800).contains($0)
        }
        perHost = try PerHost(section("per_host", of: reader))
        maxBytes = try reader.int("max_bytes", default: 52_428_800, in: 1...2_147_483_647)
        userAgent = try reader.string("user_agent", default: Self.defaultUserAgent)
        guard userAgent.utf8.allSatisfy({ $0 >= 32 && $0 < 127 }) else {
            throw reader.fault(.invalid, "user_agent", "want printable ASCII")
        }
        honourOptOut = try reader.bool("honour_opt_out", default: true)
        allowPrivateAddresses = try reader.bool("allow_private_addresses", default: false)
        placeholders =
            try reader.node("placeholders").map { node throws(ManifestError) in
                try reader.strings(node, "placeholders", want: "beginnings of URLs", mayBeEmpty: true)
            } ?? Self.knownPlaceholders
        maxFailureRatio = try reader.double("max_failure_ratio", default: 1, want: "0 to 1") { (0...1).contains($0) }
        verifyDigests = try reader.bool("verify_digests", default: false)
        try reader.finish()
    }
}

extension Manifest.Fetch.PerHost {
    init(_ reader: MappingReader) throws(ManifestError) {
        connections = try reader.int("connections", default: 16, in: 1...1024)
        rate = try reader.double("rate", default: 0, want: "requests a second, 0 (no limit) to 100000") {
            (0...100_000).contains($0)
        }
        try reader.finish()
    }
}

extension Manifest.Deduplicate {
    init(_ reader: MappingReader) throws(ManifestError) {
        urls = try reader.bool("urls", default: false)
        bytes = try reader.bool("bytes", default: false)
        perceptual = reader.node("perceptual") == nil ? nil : try reader.int("perceptual", default: 0, in: 0...3)
        placeholderRepeats = try reader.int("placeholder_repeats", default: 0, in: 0...1_000_000_000)
        guard placeholderRepeats != 1 else {
            throw reader.fault(.invalid, "placeholder_repeats", "want 0 (off) or at least 2")
        }
        try reader.finish()
    }
}

extension Manifest.Exclude {
    init(_ reader: MappingReader) throws(ManifestError) {
        func paths(_ key: String) throws(ManifestError) -> [String] {
            guard let node = reader.node(key) else { return [] }
            return try reader.strings(node, key, want: "a file, a glob, or a list of files", mayBeEmpty: true)
        }
        urls = try paths("urls")
        images = try paths("images")
        digests = try paths("digests")
        try reader.finish()
    }
}

extension Manifest.Caption {
    init(_ reader: MappingReader) throws(ManifestError) {
        model = try reader.string("model", default: "Salesforce/blip-image-captioning-large")
        count = try reader.int("count", default: 10, in: 1...1000)
        prompt = try reader.optionalString("prompt")
        topP = try reader.double("top_p", default: 0.9, want: "more than 0 and at most 1") { $0 > 0 && $0 <= 1 }
        topK = try reader.int("top_k", default: 50, in: 0...1_000_000)
        maxLength = try reader.int("max_length", default: 20, in: 1...512)
        minLength = try reader.int("min_length", default: min(5, maxLength), in: 0...512)
        guard minLength <= maxLength else {
            throw reader.fault(.invalid, "min_length", "want at most max_length, \(maxLength), not \(minLength)")
        }
        repetitionPenalty = try reader.double("repetition_penalty", default: 1.1, want: "more than 0") { $0 > 0 }
        try reader.finish()
    }
}

extension Manifest.Rank {
    init(_ reader: MappingReader, candidates: Int) throws(ManifestError) {
        model = try reader.string("model", default: "openai/clip-vit-large-patch14")
        score = reader.node("score") == nil ? nil : try reader.choice("score", default: .itc)
        includeOriginal = try reader.bool("include_original", default: true)
        keepCandidates = try reader.bool("keep_candidates", default: true)
        let most = candidates + (includeOriginal ? 1 : 0)
        keep = try reader.int("keep", default: min(2, most), in: 1...1001)
        guard keep <= most else {
            throw reader.fault(.invalid, "keep", "want at most \(most), the number of candidates, not \(keep)")
        }
        try reader.finish()
    }
}
