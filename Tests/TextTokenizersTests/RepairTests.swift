import Foundation
import Testing
import TextTokenizers

@Suite("Repairs of text from the web") struct RepairTests {
    @Test("are those of ftfy, wrong encodings among them")
    func golden() throws {
        let file = URL(fileURLWithPath: GoldenText.folder + "/repairs.json")
        let rows = try JSONDecoder().decode([[String]].self, from: Data(contentsOf: file))
        #expect(rows.filter { !$0[0].isExactly($0[1]) }.count > 1000)
        for row in rows {
            let made = WebText.fixed(row[0])
            #expect(made.isExactly(row[1]), "\(shown(row[0])): \(shown(made)), not \(shown(row[1]))")
        }
    }

    @Test("come to an end for long texts of one wrong character after another")
    func long() {
        for text in ["Ã", "â€", "Â ", "&amp;", "ï¿½", "\u{85}", "Ð"] {
            let long = String(repeating: text, count: 1_000)
            #expect(WebText.fixed(long).unicodeScalars.count <= long.unicodeScalars.count)
        }
    }

    private func shown(_ text: String) -> String { text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined() }
}
