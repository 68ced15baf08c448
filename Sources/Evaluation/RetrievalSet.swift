/// Images and their captions, as questions: which captions belong to an image, and which images to a caption.
///
/// A caption counts once an image, however often the image has it. Captions of equal tokens are one text, and every image
/// that has it is a right answer; each image's caption is a question, and a place in the ranking, of its own.
package struct RetrievalSet: Sendable, Equatable {
    /// One caption of one image.
    package struct Row: Sendable, Equatable {
        package let image: Int
        /// The number of its text.
        package let text: Int
    }

    package let imageCount: Int
    /// The texts, each once: token ids.
    package let texts: [[Int]]
    /// The captions of all images, image by image.
    package let rows: [Row]
    /// For each image, its texts, ascending.
    package let textsOfImage: [[Int]]
    /// For each text, the images that have it, ascending.
    package let imagesOfText: [[Int]]

    /// The captions of each image, token ids; every image has one.
    package init(captions: [[[Int]]]) {
        var numbers: [[Int]: Int] = [:]
        var (texts, rows, imagesOfText): ([[Int]], [Row], [[Int]]) = ([], [], [])
        var textsOfImage: [[Int]] = []
        for (image, captions) in captions.enumerated() {
            precondition(!captions.isEmpty, "an image without captions asks nothing")
            var own: Set<Int> = []
            for caption in captions {
                let text = numbers[caption] ?? texts.count
                if text == texts.count {
                    numbers[caption] = text
                    texts.append(caption)
                    imagesOfText.append([])
                }
                guard own.insert(text).inserted else { continue }
                rows.append(Row(image: image, text: text))
                imagesOfText[text].append(image)
            }
            textsOfImage.append(own.sorted())
        }
        imageCount = captions.count
        (self.texts, self.rows, self.textsOfImage, self.imagesOfText) = (texts, rows, textsOfImage, imagesOfText)
    }
}
