import Testing
import TextTokenizers

@Suite("Captions as BLIP is trained on them")
struct CaptionCleaningTests {
    /// What the reference's regular expressions make of the texts.
    static let cases = [
        ("A Dog, running!  (fast)...", "a dog, running fast"),
        ("  Hello\n\nWorld: #tag ~ ", "hello world tag"),
        ("What is this?", "what is this?"),
        ("\"Quoted\" * text; end.\n", "quoted text end"),
        ("", ""),
        ("ÉCOLE – Café", "école – café"),
        ("end.\n", "end"),
    ]

    @Test("lose what says little", arguments: cases)
    func cleaning(text: String, expected: String) {
        #expect(cleanedCaption(text) == expected)
    }

    @Test("have at most so many words")
    func limit() {
        #expect(cleanedCaption("one two three four", wordLimit: 3) == "one two three")
    }
}
