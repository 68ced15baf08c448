import Archives
import Foundation
import Images
import Manifests
import Samples
import Shards
import SourceAdapters
import Tensors
import TextTokenizers

/// A parser of bytes that come from elsewhere: whatever they are, it gives values or errors, in bounded time and memory.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// A shard of ours: zstd, tar, members, metadata.
    case shard
    /// The index behind a shard's frame.
    case index
    case tsv
    case csv
    case jsonl
    /// A JSON array, streamed.
    case json
    /// Karpathy's and the official lists of COCO.
    case coco
    /// Columns of SBU.
    case sbu
    /// A tar of someone else's.
    case webdataset
    case zip
    case safetensors
    /// A file of `torch.save`: zip, pickle, tensors.
    case torch
    /// `vocab.txt` of BERT.
    case wordpiece
    /// `tokenizer.json` of CLIP.
    case bytepair
    /// `spiece.model` of T5.
    case sentencepiece
    /// `tokenizer.json` of T5.
    case unigram
    case manifest
    case profile
    /// A picture of any format, decoded whole and as small as possible.
    case image

    /// Hands `bytes` to the parser; returns whatever it says of them.
    ///
    /// `folder` is one of this process alone, for parsers that read files.
    package func run(_ bytes: [UInt8], in folder: String) {
        do {
            switch self {
            case .manifest: _ = try Manifest(yaml: String(decoding: bytes, as: UTF8.self))
            case .profile: _ = try WorkerProfile(yaml: String(decoding: bytes, as: UTF8.self))
            case .image:
                let header = try readHeader(bytes)
                for size in [header.orientedSize, Size(width: 1, height: 1)] {
                    _ = try decodeReduced(bytes, header: header, covering: size, maxPixels: 4_000_000)
                }
            case .shard:
                let reader = try ShardReader(MemoryBytes(bytes, name: "input"))
                while try reader.next() != nil {}
            case .index: _ = try ShardIndex(MemoryBytes(bytes, name: "input"))
            case .wordpiece:
                try write(bytes, to: folder + "/vocab.txt")
                _ = try BERTWordPieceTokenizer(directory: folder).encode("a picture of 猫")
            case .bytepair:
                try write(bytes, to: folder + "/tokenizer.json")
                _ = try CLIPTokenizer(directory: folder).encode("a picture of 猫")
            case .sentencepiece:
                try write(bytes, to: folder + "/spiece.model")
                _ = try loadLanguageTokenizer(directory: folder).encode("ABBA e\u{301} a picture of 猫 😀")
            case .unigram:
                try write(bytes, to: folder + "/tokenizer.json")
                _ = try loadLanguageTokenizer(directory: folder).encode("ABBA e\u{301} a picture of 猫 😀")
            default:
                try write(bytes, to: folder + "/input")
                try read(folder + "/input")
            }
        } catch {}  // an error is a right answer
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    private func read(_ path: String) throws {
        switch self {
        case .safetensors:
            let file = try SafetensorsFile(path)
            for name in file.names.prefix(20) { _ = try file.tensor(name) }
        case .torch:
            let file = try TorchFile(path)
            for name in file.names.prefix(20) { _ = try file.tensor(name) }
        case .zip:
            let archive = try ZipArchive(path)
            for name in archive.memberNames.prefix(20) { _ = try archive.read(name, byteLimit: 1 << 20) }
        case .tsv: try readAll(CC3MSource(name: "s", paths: [path]))
        case .csv: try readAll(CSVSource(name: "s", paths: [path]))
        case .jsonl: try readAll(JSONLSource(name: "s", paths: [path]))
        case .json:
            let named = path + ".json"
            try? FileManager.default.removeItem(atPath: named)  // of the run before
            try FileManager.default.moveItem(atPath: path, toPath: named)
            try readAll(LAIONSource(name: "s", paths: [named]))
        case .coco: try readAll(COCOSource(name: "s", paths: [path]))
        case .sbu: try readAll(SBUSource(name: "s", paths: [path]))
        case .webdataset: try readAll(WebDatasetSource(name: "s", paths: [path]))
        case .manifest, .profile, .image, .shard, .index, .wordpiece, .bytepair, .sentencepiece, .unigram:
            break  // read above
        }
    }

    /// Plans a list and reads its units; what was planned can be read, whatever the list is.
    private func readAll(_ source: any SourceAdapter) throws {
        var ranges: [PlannedRange] = []
        try source.plan(unitRows: 3, limit: 1000) { ranges.append($0) }
        for (index, range) in ranges.enumerated() {
            let unit = WorkUnit(
                source: "s", index: index, firstRow: range.firstRow, rowCount: range.rowCount,
                start: range.start)
            var rows = try source.reader(of: unit)
            var count = 0
            while try rows.next() != nil { count += 1 }
            precondition(count == range.rowCount, "\(count) rows of \(range)")
        }
    }
}
