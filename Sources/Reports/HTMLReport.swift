import Digests
package import Samples

/// A picture for the report, encoded.
package struct ReportImage: Sendable {
    /// `image/jpeg`, `image/webp` or `image/png`.
    package let mediaType: String
    /// The file's bytes.
    package let bytes: [UInt8]

    /// An encoded picture.
    package init(mediaType: String, bytes: [UInt8]) {
        self.mediaType = mediaType
        self.bytes = bytes
    }
}

/// A data set on one page: a self-contained HTML file that asks the network for nothing and works without scripts.
///
/// The same input gives the same bytes. Text from the web is cleaned and escaped, and the page's content policy lets no
/// script run but the page's own.
package struct HTMLReport {
    /// The most bytes of pictures in a page; those past it are shown as missing.
    package static let imageByteLimit = 16_000_000

    let facts: DatasetFacts
    let gathered: ReportGatherer

    /// A report of `facts` and of the rows that `gathered` has seen.
    package init(_ facts: DatasetFacts, _ gathered: ReportGatherer) {
        self.facts = facts
        self.gathered = gathered
    }

    /// The page; `image` gives the pictures of the gallery, small ones by preference, nil where there is none.
    package func html(image: (SampleID) -> ReportImage?) -> String {
        let title = CleanText.shown(facts.name, limit: 120)
        let parts = [galleryPart(image), scorePart, textPart, failurePart, sourcePart, provenancePart].compactMap(
            \.self)
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="\(Self.policy)">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="referrer" content="no-referrer">
            <title>\(title) · report</title>
            <style>\(Self.style)</style>
            </head>
            <body>
            \(header(title: title, parts: parts))
            <main>
            \(parts.map(\.html).joined(separator: "\n"))
            </main>
            <script>\(Self.script)</script>
            </body>
            </html>

            """
    }

    private static var policy: String {
        let digest = ReportEncoding.base64(hex: digest(of: script).hex)
        return "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-\(digest)'; "
            + "base-uri 'none'; form-action 'none'"
    }

    private func header(title: String, parts: [Part]) -> String {
        let notice =
            facts.notice.map { "<p class=\"notice\" role=\"note\">\(CleanText.shown($0, limit: 1000))</p>" } ?? ""
        let failed = facts.rejections.total
        var figures = [
            ("rows", Figures.grouped(facts.rowCount), ""),
            ("samples", Figures.grouped(facts.sampleCount), Figures.percent(facts.sampleCount, of: facts.rowCount)),
            ("left out", Figures.grouped(failed), Figures.percent(failed, of: facts.rowCount)),
            ("shards", Figures.grouped(facts.shards.count), Figures.bytes(facts.byteCount)),
        ]
        let kept = gathered.keptByOrigin.values.reduce(0, +)
        if let blip = gathered.keptByOrigin[.blip], kept > 0 {
            let share = Figures.percent(blip, of: kept)
            figures.append(("kept captions", Figures.grouped(kept), "\(share) by the captioner"))
        }
        let list = figures.map { name, value, detail in
            "<div><dt>\(name)</dt><dd>\(value)<small>\(detail)</small></dd></div>"
        }
        let links = parts.map { "<a href=\"#\($0.id)\">\($0.heading)</a>" }
        return """
            <header>
            <p class="kicker">Image–text data set</p>
            <h1>\(title)</h1>
            \(notice)
            <dl class="figures">\(list.joined())</dl>
            <nav aria-label="Parts of the report">\(links.joined())</nav>
            </header>
            """
    }

    /// A part of the page under a heading.
    struct Part {
        let id: String, heading: String
        var note = ""
        let body: String

        var html: String {
            let note = note.isEmpty ? "" : "<p class=\"note\">\(note)</p>\n"
            return "<section id=\"\(id)\">\n<h2>\(heading)</h2>\n\(note)\(body)\n</section>"
        }
    }
}

/// The encodings of bytes in a page.
enum ReportEncoding {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// `bytes` in base 64, padded.
    static func base64(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits: UInt32 = 0
            for byte in group { bits = bits << 8 | UInt32(byte) }
            bits <<= UInt32(3 - group.count) * 8
            for place in 0..<4 {
                let digit = alphabet[Int(bits >> UInt32(18 - 6 * place)) & 63]
                text.append(place <= group.count ? digit : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes that the hexadecimal digits `hex` stand for, in base 64.
    static func base64(hex: String) -> String {
        let digits = hex.compactMap { $0.hexDigitValue.map(UInt8.init) }
        return base64(stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }
}
