import Foundation
import ModelDescriptions
import Testing

@Suite("The text of a description") struct ObjectTextTests {
    private func object(_ text: String) throws -> ObjectText { try ObjectText(json: Data(text.utf8)) }

    @Test("keeps numbers, nested values and escapes as they are written")
    func verbatim() throws {
        let text = #"{"a": 1.0, "b": {"c": [0.0, "}, ]:"], "d": {}}, "e\"f": "x\\", "g":null , "h" : [ ]}"#
        let made = try object(text)
        #expect(made["a"] == "1.0" && made["b"] == #"{"c": [0.0, "}, ]:"], "d": {}}"#)
        #expect(made["e\"f"] == #""x\\""# && made["g"] == "null" && made["h"] == "[ ]" && made["c"] == nil)
        let again = try ObjectText(json: made.data)
        #expect(again == made && String(decoding: made.data, as: UTF8.self).contains("\"a\": 1.0"))
    }

    @Test("entries are set, replaced and removed; an empty object is one")
    func changes() throws {
        var made = try object("{ }")
        made["b"] = "2"
        made["a"] = ObjectText.quoted("say \"x\"")
        made["b"] = "3"
        #expect(made["b"] == "3")
        made["c"] = nil
        made["b"] = nil
        let values = try JSONSerialization.jsonObject(with: made.data) as? [String: String]
        #expect(values == ["a": "say \"x\""])
    }

    @Test("what is no object is refused", arguments: ["", "[1]", "{\"a\": }", "{\"a\": 1", "1"])
    func refused(text: String) { #expect(throws: ConfigurationError.self) { _ = try object(text) } }
}
