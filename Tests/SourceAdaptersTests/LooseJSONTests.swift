import Foundation
import TestSupport
import Testing

@testable import SourceAdapters

@Suite("JSON in lists") struct LooseJSONTests {
    private func text(_ json: String, _ key: String = "a") throws -> String? {
        try JSONFields(Array(json.utf8))?.text(key)
    }

    @Test("is what Python writes and reads: its values are those that Python finds, whatever they are")
    func python() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Each line: a document, and what Python makes of it, written so that kinds and digits can be compared.
        let script = #"""
            import json, random, sys
            random.seed(11)
            letters = ["a", "é", "猫", "\U0001f600", "\"", "\\", "/", "\n", "\t", "\x01", "\x7f", "\ud800", "\udc00", "\u2028", "\ufeff"]
            def text(): return "".join(random.choice(letters) for _ in range(random.randrange(6)))
            def value(depth):
                kind = random.randrange(10 if depth else 7)
                if kind == 0: return None
                if kind == 1: return random.random() < .5
                if kind == 2: return random.randint(-2**70, 2**70)
                if kind == 3: return random.choice([random.uniform(-1e9, 1e9), 1e300, 5e-324, 0.0])
                if kind == 4: return random.choice([float("nan"), float("inf"), -float("inf")])
                if kind < 7: return text()
                if kind < 9: return [value(depth - 1) for _ in range(random.randrange(4))]
                return {text(): value(depth - 1) for _ in range(random.randrange(4))}
            def shown(v):
                if v is None: return "null"
                if isinstance(v, bool): return str(v).lower()
                if isinstance(v, int): return str(v)
                if isinstance(v, float): return repr(v) if abs(v) < float("inf") else "none"
                if isinstance(v, str): return "'" + v.encode("utf-8", "ignore").decode() + "'"
                if isinstance(v, list): return "[" + " ".join(map(shown, v)) + "]"
                # Keys that differ in lone halves of pairs alone are equal, and the last counts.
                return "{" + " ".join(sorted(k + ":" + w for k, w in {shown(k): shown(w) for k, w in v.items()}.items())) + "}"
            documents, expected = [], []
            while len(documents) < 1000:
                v = {"v": value(3)}
                d = json.dumps(v, indent=random.choice([None, 1]))
                try: v = json.loads(d)
                except ValueError: continue
                documents.append(d); expected.append(shown(v))
            json.dump([documents, expected], open(sys.argv[1], "w"))
            """#
        let ended = try Program.run("/usr/bin/env", ["python3", "-c", script, folder + "/t.json"])
        try #require(ended.status == 0, "\(ended.errors)")
        let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/t.json"))
        let both = try JSONDecoder().decode([[String]].self, from: data)
        for (document, expected) in zip(both[0], both[1]) {
            let found = try #require(jsonValue(Array(document.utf8)), "\(document)")
            try #require(shown(found) == expected, "seed 11: \(document)")
        }
        #expect(both[0].count == 1000)
    }

    private func shown(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let text): text
        case .notANumber: "none"
        case .string(let bytes): "'" + String(decoding: bytes, as: UTF8.self) + "'"
        case .array(let list): "[" + list.map(shown).joined(separator: " ") + "]"
        case .object(let members):
            "{"
                + members.map { shown(.string(Array($0.utf8))) + ":" + shown($1) }
                .sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }.joined(separator: " ") + "}"
        }
    }

    @Test(
        "that is none is told from what is",
        arguments: [
            "", "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}",
            "{\"a\":+1}", "{\"a\":nan}", "{\"a\":1}x", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"",
            "{\"a\":tru}",
            String(repeating: "[", count: 100_000),
        ])
    func broken(_ json: String) {
        #expect(jsonValue(Array(json.utf8)) == nil)
    }

    @Test("gives texts and numbers exactly, and says what it cannot give")
    func values() throws {
        #expect(try text(#"{"a": 9007199254740993}"#) == "9007199254740993")
        #expect(try text(#"{"a": 18446744073709551615}"#) == "18446744073709551615")
        #expect(try text(#"{"a": 1.50}"#) == "1.50" && text(#"{"a": true}"#) == "true")
        #expect(try text(#"{"a": NaN}"#) == "" && text(#"{"a": null}"#) == "" && text("{}") == "")
        #expect(try text(#"{"a": "c\ud83d"}"#) == "c" && text(#"{"a": "\ud83d\ude00"}"#) == "😀")
        #expect(try text(#"{"a": "\ude00\ud83dx\ud83d\u0041"}"#) == "xA")
        #expect(try text("\u{feff}{\"a\": \"b\"}") == "b" && text(#"{"a": 1, "a": 2}"#) == "2")
        for (json, fault) in [(#"{"a": {}}"#, "a: an object, not text"), (#"{"a": [1]}"#, "a: a list, not text")] {
            let error = #expect(throws: ValueFault.self) { try text(json) }
            #expect(error?.text == fault)
        }
        let fields = try #require(
            JSONFields(Array(#"{"l": ["x", 5, ["y", null, NaN]], "n": " 0.5 ", "w": "x", "o": [{}]}"#.utf8)))
        #expect(try fields.texts("l") == ["x", "5", "y"] && fields.number("n") == 0.5)
        #expect(throws: ValueFault.self) { try fields.number("w") }
        #expect(throws: ValueFault.self) { try fields.texts("o") }
        #expect(throws: ValueFault.self) { try fields.number("l") }
    }
}
