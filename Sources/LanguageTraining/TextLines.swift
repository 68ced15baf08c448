import Digests
import RandomNumbers
import Samples

/// The lines of text files in a random order that is the same in every run, without end.
///
/// A pass gives every line once: blocks of lines are permuted, a few are read together, and their lines are shuffled. Which
/// line stands at a position depends on the files' bytes and the seed alone. Memory is bounded: where blocks begin, and the
/// lines of a few blocks; files of any length have a bounded number of blocks. To go on at a position is to skip whole
/// groups of blocks.
package struct TextLines: Sendable {
    /// What decides the order beside the seed.
    struct Form: Sendable {
        /// About how many bytes a block has, in files of fewer than `mostBlocks`.
        var blockLength = 1 << 16
        /// The most blocks of a file.
        var mostBlocks = 1 << 16
        /// How many blocks are read together.
        var groupWidth = 16
    }

    private struct Part: Sendable {
        let file: TextFile
        let block: TextFile.Block
    }

    /// How many lines a pass has.
    package let count: Int
    /// The same where the order is the same, wherever the files lie.
    package let fingerprint: String
    private let parts: [Part]
    private let seed: UInt64
    private let form: Form

    /// The lines of the files `paths`, in an order of `seed`; every file is read once.
    ///
    /// - Throws: `unreadable`; `malformed` for lines that are no UTF-8 or too long; `empty` without any text.
    package init(_ paths: [String], seed: UInt64) throws(TextError) { try self.init(paths, seed: seed, Form()) }

    init(_ paths: [String], seed: UInt64, _ form: Form) throws(TextError) {
        var (parts, lines) = ([Part](), ["text order 1", "\(seed) \(form)"])
        for path in paths {
            let (file, digester) = (try TextFile(path), Digester())
            let length = max(form.blockLength, file.byteCount / form.mostBlocks)
            parts += try file.blocks(length: length) { digester.update($0) }.map { Part(file: file, block: $0) }
            lines.append(digester.finish().hex)
        }
        count = parts.reduce(0) { $0 + $1.block.texts }
        guard count > 0 else { throw TextError(.empty, paths.joined(separator: ", "), "no text to train on") }
        fingerprint = digest(of: lines.joined(separator: "\n")).hex
        (self.parts, self.seed, self.form) = (parts, seed, form)
    }

    /// The lines from `position` on.
    package func lines(from position: Int) -> LineStream { LineStream(self, from: position) }

    /// The blocks that are read together in the pass `pass`, group after group.
    fileprivate func groups(pass: Int) -> [[Int]] {
        var numbers = random("order of blocks", pass)
        let order = numbers.shuffled(Array(parts.indices))
        return stride(from: 0, to: order.count, by: form.groupWidth).map {
            Array(order[$0..<min($0 + form.groupWidth, order.count)])
        }
    }

    fileprivate func count(of group: [Int]) -> Int { group.reduce(0) { $0 + parts[$1].block.texts } }

    /// The lines of a group, in their order.
    fileprivate func lines(of group: [Int], pass: Int) throws(TextError) -> [String] {
        var lines: [String] = []
        for number in group { lines += try parts[number].file.texts(of: parts[number].block) }
        var numbers = random("order of lines \(group[0])", pass)
        return numbers.shuffled(lines)
    }

    private func random(_ purpose: String, _ pass: Int) -> SplitMix64 {
        SplitMix64(seed: SplitMix64.mixed(nameHash(purpose, from: SplitMix64.number(pass, from: seed))))
    }
}

/// Lines one after the other, without end.
package final class LineStream {
    private let lines: TextLines
    private var pass: Int
    private var groups: ArraySlice<[Int]>
    /// Lines of the group at hand that were not given yet.
    private var rest: ArraySlice<String> = []
    /// Lines to pass over.
    private var skipped: Int

    init(_ lines: TextLines, from position: Int) {
        precondition(position >= 0, "positions count from 0")
        self.lines = lines
        pass = position / lines.count
        skipped = position % lines.count
        groups = lines.groups(pass: pass)[...]
    }

    /// The next line.
    ///
    /// - Throws: `unreadable`, and `malformed` where the file was changed.
    package func next() throws(TextError) -> String {
        while true {
            if let line = rest.popFirst() { return line }
            guard let group = groups.popFirst() else {
                pass += 1
                groups = lines.groups(pass: pass)[...]
                continue
            }
            let count = lines.count(of: group)
            if skipped >= count {
                skipped -= count
            } else {
                rest = try lines.lines(of: group, pass: pass).dropFirst(skipped)
                skipped = 0
            }
        }
    }
}

extension TextLines {
    /// The first `limit` lines of the first pass, or all of it where it has fewer.
    package func first(_ limit: Int, _ body: (String) -> Void) throws(TextError) {
        let stream = lines(from: 0)
        for _ in 0..<min(limit, count) { body(try stream.next()) }
    }
}
