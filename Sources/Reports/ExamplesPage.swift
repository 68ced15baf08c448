/// What a model wrote and what people wrote, with figures, on one page: a self-contained HTML file without scripts.
///
/// The same input gives the same bytes; texts are cleaned and escaped.
package struct ExamplesPage: Sendable {
    /// One image with what was written about it.
    package struct Example: Sendable {
        /// The image's name, by which its picture is asked for.
        package let image: String
        /// What was asked; empty for captions.
        package let question: String
        /// What the model wrote; nil where it wrote nothing.
        package let written: String?
        /// What people wrote, the most frequent first where there are several of one text.
        package let references: [String]
        /// Such as `CIDEr-D 1.23`.
        package let score: String

        package init(image: String, question: String = "", written: String?, references: [String], score: String) {
            (self.image, self.question, self.written) = (image, question, written)
            (self.references, self.score) = (references, score)
        }
    }

    /// Examples under a heading.
    package struct Section: Sendable {
        package let heading: String
        package let note: String
        package let examples: [Example]

        package init(heading: String, note: String, examples: [Example]) {
            (self.heading, self.note, self.examples) = (heading, note, examples)
        }
    }

    private let title: String
    private let kicker: String
    private let figures: [(name: String, value: String)]
    private let sections: [Section]

    package init(title: String, kicker: String, figures: [(name: String, value: String)], sections: [Section]) {
        (self.title, self.kicker, self.figures, self.sections) = (title, kicker, figures, sections)
    }

    /// The page; `image` gives pictures by name, nil where there is none.
    ///
    /// Pictures beyond 16 MB in all are left out.
    package func html(image: (String) -> ReportImage?) -> String {
        var bytesLeft = HTMLReport.imageByteLimit
        let parts = sections.enumerated().map { number, section in
            let cards = section.examples.map { card($0, image, &bytesLeft) }
            let body =
                cards.isEmpty
                ? "<p class=\"empty\">None.</p>" : "<div class=\"cards\">\n\(cards.joined(separator: "\n"))\n</div>"
            return HTMLReport.Part(
                id: "part\(number)", heading: CleanText.shown(section.heading), note: CleanText.shown(section.note),
                body: body)
        }
        let list = figures.map {
            "<div><dt>\(CleanText.shown($0.name))</dt><dd>\(CleanText.shown($0.value))</dd></div>"
        }
        let links = parts.map { "<a href=\"#\($0.id)\">\($0.heading)</a>" }
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
            base-uri 'none'; form-action 'none'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="referrer" content="no-referrer">
            <title>\(CleanText.shown(title, limit: 120)) · examples</title>
            <style>\(HTMLReport.style)</style>
            </head>
            <body>
            <header>
            <p class="kicker">\(CleanText.shown(kicker))</p>
            <h1>\(CleanText.shown(title, limit: 120))</h1>
            <dl class="figures">\(list.joined())</dl>
            <nav aria-label="Parts of the page">\(links.joined())</nav>
            </header>
            <main>
            \(parts.map(\.html).joined(separator: "\n"))
            </main>
            </body>
            </html>

            """
    }

    private func card(_ example: Example, _ image: (String) -> ReportImage?, _ bytesLeft: inout Int) -> String {
        var picture = "<div class=\"picture none\">no picture</div>"
        if let found = image(example.image), found.bytes.count <= bytesLeft {
            bytesLeft -= found.bytes.count
            picture =
                "<div class=\"picture\"><img alt=\"\" loading=\"lazy\" src=\"data:\(CleanText.html(found.mediaType));base64,"
                + "\(ReportEncoding.base64(found.bytes))\"></div>"
        }
        let question =
            example.question.isEmpty
            ? "" : "<p class=\"original\" dir=\"auto\">\(CleanText.shown(example.question, limit: 400))</p>\n"
        let written = example.written.map { $0.isEmpty ? "(empty)" : CleanText.shown($0, limit: 400) } ?? "(nothing)"
        let references = example.references.map {
            "<li class=\"human\"><span class=\"text\" dir=\"auto\">\(CleanText.shown($0, limit: 300))</span></li>"
        }
        return """
            <article class="card">
            \(picture)
            <div class="words">
            \(question)<p class="kept" dir="auto">\(written)</p>
            <ol class="candidates" aria-label="What people wrote">\(references.joined())</ol>
            <p class="foot"><span>\(CleanText.shown(example.image))</span> <span>\(CleanText.shown(example.score))</span></p>
            </div>
            </article>
            """
    }
}
