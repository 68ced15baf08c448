/// Captions as the web has them: right ones in untidy dress, ones of other pictures, and text that describes nothing.
enum WebCaption {
    private static let junk = [
        "IMG_%.JPG", "DSC0%.jpg", "Screenshot 20%", "untitled-%", "image", "photo %", "%", "Click to enlarge",
        "Best price &amp; free shipping!!!", "BUY NOW | -% PERCENT", "Home &gt; Products &gt; Item %", "&nbsp;",
        "Copyright © 20%. All rights reserved.", "File:Scan_%.png - Wikimedia Commons", "👍👍👍 #art #shapes #%",
        "http://www.example.com/gallery/%", "Lorem ipsum dolor sit amet, consectetur adipiscing elit",
        "Thumbnail for version as of 10:%, 3 May 20%", "\"\"", "<b>SALE</b> everything must go", "Фото %", "写真%",
    ]

    /// Text that says nothing of any picture.
    static func junk(using random: inout DemoRandom) -> String {
        random.pick(junk).replacing("%", with: "\(10 + random.below(90))")
    }

    /// `caption` in the dress of the web; the grammar reads it as before.
    static func dressed(_ caption: String, using random: inout DemoRandom) -> String {
        let dress = random.below(8)
        let opening = random.pick(["a picture of ", "an image of ", "a drawing of "])
        let text = dress < 2 && caption.first?.isLetter == true ? opening + caption : caption
        return switch dress {
        case 0, 4: sentence(text) + "."
        case 1, 5: sentence(text)
        case 6: text.uppercased()
        case 7: "  " + text.replacing(" on ", with: "  on ")
        default: text
        }
    }

    private static func sentence(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst()
    }
}
