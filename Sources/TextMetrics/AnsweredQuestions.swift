extension Questions {
    /// Questions that stand beside their answers in one file: Visual Genome's list of images, or GQA's object of questions.
    package init(answered path: String) throws(MetricsError) {
        guard try JSONItems.firstByte(of: path) == UInt8(ascii: "[") else {
            try self.init(gqa: path)
            return
        }
        try self.init(visualGenome: path)
    }

    /// The questions of Visual Genome, `question_answers.json`: images, each with its questions and an answer to each.
    private init(visualGenome path: String) throws(MetricsError) {
        var (items, read) = (try JSONItems(path), [Question]())
        while let item = try items.next() {
            let image = try item.decoded(AskedImage.self, path)
            for asked in image.qas {
                read.append(
                    Question(
                        id: asked.qa_id.text, imageID: image.id.text, text: asked.question, answerType: "",
                        questionType: "", answers: [Self.bare(asked.answer)]))
            }
        }
        guard !read.isEmpty else { throw MetricsError(.empty, path, "no questions") }
        (kind, questions) = (.vqa, read)
    }

    /// An answer as VQA's are written: lower case, without a period at its end.
    private static func bare(_ answer: String) -> String {
        let text = answer.lowercased()
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }

    private struct AskedImage: Decodable {
        struct Asked: Decodable {
            let qa_id: ItemID
            let question: String
            let answer: String
        }
        let id: ItemID
        let qas: [Asked]
    }
}
