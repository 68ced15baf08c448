/// One data set of a manifest.
package struct Source: Codable, Sendable, Equatable {
    package enum Format: String, Codable, Sendable, CaseIterable {
        case coco, vg, cc3m, cc12m, sbu, laion, webdataset, shards, csv, parquet, jsonl
    }
    package enum CaptionMode: String, Codable, Sendable, CaseIterable {
        /// Generate, rank, keep.
        case bootstrap
        /// Keep the captions that came with the image.
        case original
    }
    /// How the letters of a text list are written as bytes.
    package enum Encoding: String, Codable, Sendable, CaseIterable {
        case utf8 = "utf-8"
        /// As browsers read it: with the letters of Windows-1252, of which Latin-1 is a part.
        case latin1 = "latin-1"
        /// In the order of bytes that a mark at the start says, otherwise little-endian.
        case utf16 = "utf-16"
        case utf16LittleEndian = "utf-16le"
        case utf16BigEndian = "utf-16be"
        case windows1251 = "windows-1251"
        case shiftJIS = "shift_jis"
        case eucJP = "euc-jp"
        case eucKR = "euc-kr"
        case gb18030, big5

        /// The name that iconv has for it.
        package var iconvName: String { self == .latin1 ? "windows-1252" : rawValue }
    }
    package enum Quoting: String, Codable, Sendable, CaseIterable { case none, rfc4180 }

    /// Letters, digits, `-` and `_`: the first part of every key and shard name.
    package let name: String
    package let format: Format
    /// Files in the order of their rows; the manifest may give one path, a glob or a list.
    package var paths: [String]
    /// The first rows only; nil takes all.
    package let limit: Int?
    package let captions: CaptionMode
    /// Of a list in text; nil is UTF-8.
    package let encoding: Encoding?
    /// Which columns are read, of `csv`, `parquet` and `jsonl`; nil for the other formats.
    package let columns: Columns?
    /// How a `csv` list is read; nil for the other formats.
    package let table: TextTable?
    /// The splits of COCO's Karpathy list that are taken; nil for the other formats.
    package let splits: [String]?
    /// Folders and zip archives that image paths in the list are relative to; none where the list holds URLs.
    package var imageRoots: [String]
    /// Whether links in those folders may lead out of them.
    package let followLinks: Bool
    /// What URLs begin with, and what they are to begin with instead; the first that fits is applied.
    package let rewrites: [Rewrite]
    package let filter: RowFilter

    /// Whether its list can give digests of the images' bytes; of LAION's some copies do, which is seen when they are read.
    package var hasDigests: Bool { format == .laion || columns?.facts?.md5 != nil || columns?.facts?.sha256 != nil }

    /// Another beginning for URLs.
    package struct Rewrite: Codable, Sendable, Equatable {
        package let prefix: String
        package let replacement: String
    }
}

/// How the lines of a delimited text file are cut.
package struct TextTable: Codable, Sendable, Equatable {
    package let header: Bool
    /// One ASCII character.
    package let delimiter: String
    package let quoting: Source.Quoting
    /// One ASCII character before one that is meant as it is, in quotes or not; nil where there is none.
    package let escape: String?

    package init(header: Bool, delimiter: String, quoting: Source.Quoting, escape: String? = nil) {
        (self.header, self.delimiter, self.quoting, self.escape) = (header, delimiter, quoting, escape)
    }

    /// Comma-separated, with a header.
    package static let standard = TextTable(header: true, delimiter: ",", quoting: .rfc4180)
}

/// Where in a row things stand: names of columns or keys, or column numbers from 0 where a list has no header.
package struct Columns: Codable, Sendable, Equatable {
    package let url: String
    package let caption: String
    /// The row's own id in the list; nil where there is none.
    package let id: String?
    /// Nil where none is read.
    package let facts: FactColumns?

    package init(url: String, caption: String, id: String? = nil, facts: FactColumns? = nil) {
        (self.url, self.caption, self.id, self.facts) = (url, caption, id, facts)
    }

    package static let standard = Columns(url: "url", caption: "caption")
}

/// What a list may say of an image, to filter by it or to check the image's bytes with.
package enum Fact: String, Codable, Sendable, CaseIterable {
    case width, height, similarity, nsfw, unsafe, watermark, aesthetic, language, md5, sha256

    package var isDigest: Bool { self == .md5 || self == .sha256 }
    /// Whether it is a number; otherwise it is a word, or a digest.
    package var isNumber: Bool { self != .nsfw && self != .language && !isDigest }
}

/// Where a list says what is known of an image before it is fetched.
package struct FactColumns: Codable, Sendable, Equatable {
    package var width: String?
    package var height: String?
    package var similarity: String?
    package var nsfw: String?
    package var unsafe: String?
    package var watermark: String?
    package var aesthetic: String?
    package var language: String?
    package var md5: String?
    package var sha256: String?

    package init(
        width: String? = nil, height: String? = nil, similarity: String? = nil, nsfw: String? = nil,
        unsafe: String? = nil, watermark: String? = nil, aesthetic: String? = nil, language: String? = nil,
        md5: String? = nil, sha256: String? = nil
    ) {
        (self.width, self.height, self.similarity, self.nsfw) = (width, height, similarity, nsfw)
        (self.unsafe, self.watermark, self.aesthetic) = (unsafe, watermark, aesthetic)
        (self.language, self.md5, self.sha256) = (language, md5, sha256)
    }

    /// The column in which the list says `fact`; nil where it does not.
    package subscript(fact: Fact) -> String? {
        switch fact {
        case .width: width
        case .height: height
        case .similarity: similarity
        case .nsfw: nsfw
        case .unsafe: unsafe
        case .watermark: watermark
        case .aesthetic: aesthetic
        case .language: language
        case .md5: md5
        case .sha256: sha256
        }
    }

    /// The columns that are given.
    package var names: [String] { Fact.allCases.compactMap { self[$0] } }
}
