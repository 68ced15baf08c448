import Foundation

#if canImport(FoundationXML)
import FoundationXML
#endif

/// What a test wants to know of an SVG file.
final class XMLReader: NSObject, XMLParserDelegate {
    struct Path {
        let style: String
        let isClipped: Bool
        let points: Int
    }

    private(set) var isWellFormed = false
    private(set) var texts: [String] = []
    private(set) var paths: [Path] = []
    private var text = ""

    init(_ source: String) {
        super.init()
        let parser = XMLParser(data: Data(source.utf8))
        parser.delegate = self
        isWellFormed = parser.parse()
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String] = [:]
    ) {
        text = ""
        guard name == "path" else { return }
        let points = attributes["d", default: ""].split { "ML".contains($0) }.count
        paths.append(
            Path(style: attributes["class", default: ""], isClipped: attributes["clip-path"] != nil, points: points))
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        texts.append(text)
        text = ""
    }
}
