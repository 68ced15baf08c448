/// Questions with the answers that people gave, as the data sets distribute them.
package struct Questions: Sendable {
    /// Whose rules the answers are compared by, if nothing else is asked for.
    package enum Kind: String, Sendable, Encodable {
        /// Answers of ten people: VQAv2 and OK-VQA.
        case vqa
        /// One answer.
        case gqa
    }

    package struct Question: Sendable {
        package let id: String
        package let imageID: String
        package let text: String
        /// Of VQA `yes/no`, `number` or `other`; of GQA the structure, such as `verify`.
        package let answerType: String
        /// Of VQA the first words of the question; of GQA what it is about, such as `attr`.
        package let questionType: String
        package let answers: [String]
    }

    package let kind: Kind
    /// In the order of the annotations.
    package let questions: [Question]

    /// The questions of VQAv2 or OK-VQA, and their answers, out of the file of `annotations`.
    package init(vqa questions: String, annotations: String) throws(MetricsError) {
        var texts: [String: String] = [:]
        guard var list = try JSONItems(questions, listAt: "questions") else {
            throw MetricsError(.malformed, questions, "want an object with questions")
        }
        while let item = try list.next() {
            let asked = try item.decoded(Asked.self, questions)
            texts[asked.question_id.text] = asked.question
        }
        guard var answers = try JSONItems(annotations, listAt: "annotations") else {
            throw MetricsError(.malformed, annotations, "want an object with annotations")
        }
        var read: [Question] = []
        while let item = try answers.next() {
            let annotation = try item.decoded(Annotation.self, annotations)
            guard let text = texts.removeValue(forKey: annotation.question_id.text) else {
                throw MetricsError(
                    .mismatch, annotations,
                    "line \(item.line): question \(annotation.question_id.text) is not in \(questions), or annotated twice"
                )
            }
            guard !annotation.answers.isEmpty else {
                throw MetricsError(.malformed, annotations, "line \(item.line): answers: want one at least")
            }
            read.append(
                Question(
                    id: annotation.question_id.text, imageID: annotation.image_id.text, text: text,
                    answerType: annotation.answer_type ?? "", questionType: annotation.question_type ?? "",
                    answers: annotation.answers.map(\.answer)))
        }
        if let id = texts.keys.min() {
            throw MetricsError(
                .mismatch, questions, "\(texts.count) questions have no annotation in \(annotations), \(id) for one")
        }
        guard !read.isEmpty else { throw MetricsError(.empty, annotations, "no question has an answer") }
        (kind, self.questions) = (.vqa, read)
    }

    /// The questions of GQA: an object with a question, its answer and its types under each name.
    package init(gqa path: String) throws(MetricsError) {
        guard try JSONItems.firstByte(of: path) == UInt8(ascii: "{") else {
            throw MetricsError(.malformed, path, "want an object of questions")
        }
        guard try JSONItems(path, listAt: "questions") == nil else {
            throw MetricsError(.mismatch, path, "these are questions of VQA: give their annotations, too")
        }
        var (items, read) = (try JSONItems(path), [Question]())
        while let item = try items.next() {
            let asked = try item.decoded(GQAQuestion.self, path)
            read.append(
                Question(
                    id: item.key ?? "", imageID: asked.imageId.text, text: asked.question,
                    answerType: asked.types?.structural ?? "", questionType: asked.types?.semantic ?? "",
                    answers: [asked.answer]))
        }
        guard !read.isEmpty else { throw MetricsError(.empty, path, "no questions") }
        (kind, questions) = (.gqa, read)
    }

    private struct Asked: Decodable {
        let question_id: ItemID
        let question: String
    }

    private struct Annotation: Decodable {
        struct Answer: Decodable { let answer: String }
        let question_id: ItemID
        let image_id: ItemID
        let answer_type: String?
        let question_type: String?
        let answers: [Answer]
    }

    private struct GQAQuestion: Decodable {
        struct Types: Decodable {
            let structural: String?
            let semantic: String?
        }
        let imageId: ItemID
        let question: String
        let answer: String
        let types: Types?
    }
}
