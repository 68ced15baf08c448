import Foundation
import Samples
import SourceAdapters
import TestSupport
import Testing

@Suite("A list of records that make images") struct IndexedSourceTests {
    /// What becomes of the rows of a list with this text: the captions, or why a row is none.
    private func fates(_ text: String, _ format: String) throws -> [String] {
        try rows(Array(text.utf8), format: format).map { row in
            switch row.outcome {
            case .kept(let row): row.captions.map(\.text).joined(separator: "|")
            case .rejected(let rejection): rejection.message
            }
        }
    }

    @Test("makes a bad row of each that names no image, and lends its captions to no other")
    func noImage() throws {
        let records = """
            [{"image": "val2014/a_1.jpg", "caption": "one"}, {"caption": "x"}, {"image": null, "caption": "y"}]
            """
        let lost = "list, image 1: nothing says where its image is"
        #expect(try fates(records, "coco") == ["one", lost, lost.replacing("image 1", with: "image 2")])
        #expect(
            try fates(records.replacing("val2014/a_1.jpg", with: "VG_100K/1.jpg"), "vg")
                == ["one", lost, lost.replacing("image 1", with: "image 2")])
        let official = """
            {"images": [{"id": 1, "file_name": "1.jpg"}, {"id": 2, "file_name": "2.jpg"}],
             "annotations": [{"image_id": 1, "caption": "one"}, {"caption": "x"}, {"image_id": 2, "caption": "two"}]}
            """
        #expect(
            try fates(official, "coco") == ["one", "two", "list, image 2: nothing says where its image is"])
    }

    @Test("says the first of several faults")
    func firstFault() throws {
        let records = #"[{"image": {"a": 1}, "caption": "x"}, {"image": "1.jpg", "caption": "c"}]"#
        let error = #expect(throws: SourceError.self) { try fates(records, "coco") }
        #expect(error?.hint.contains("image: an object, not text") == true)
        let captions = """
            [{"image": "1.jpg", "caption": {"a": 1}}, {"image": "1.jpg", "caption": 5},
             {"image": "1.jpg", "caption": [{}]}]
            """
        #expect(try fates(captions, "coco") == ["list, image 0: caption: an object, not text"])
        let region = #"[{"id": 7, "url": "", "image_id": 7, "coco_id": "x"}]"#
        #expect(try fates(region, "vg") == [#"list, image 0: coco_id: "x" is not a number"#])
    }
}
