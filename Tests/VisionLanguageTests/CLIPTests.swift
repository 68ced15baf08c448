import Tensors
import TestSupport
import Testing
import VisionLanguage

@Suite("CLIP, against transformers")
struct CLIPTests {
    static let names = ["clip-even", "clip-odd"]

    @Test("images' vectors are equal within 1e-5", arguments: names)
    func images(name: String) throws {
        let golden = try GoldenModel(name)
        let made = try golden.clip().images(golden.tensor("pixel_values"))
        #expect(try distance(made.floats(), golden.floats("image_embeds")) <= 1e-5)
    }

    @Test("texts' vectors at the length of the texts are equal to those at full context within 1e-5", arguments: names)
    func texts(name: String) throws {
        let golden = try GoldenModel(name)
        let model = try golden.clip()
        let texts = try zip(golden.rows("input_ids"), golden.tensor("lengths").integers()).map { Array($0.prefix($1)) }
        let made = try model.texts(texts)
        #expect(try distance(made.floats(), golden.floats("text_embeds")) <= 1e-5)
        for (number, text) in texts.enumerated() {
            let alone = try model.texts([text])
            let expected = try golden.tensor("text_embeds").narrowed(0, number..<number + 1)
            #expect(try distance(alone.floats(), expected.floats()) <= 1e-5, "text \(number)")
        }
    }

    @Test("cosines are equal within 1e-5", arguments: names)
    func cosines(name: String) throws {
        let golden = try GoldenModel(name)
        let model = try golden.clip()
        let texts = try zip(golden.rows("input_ids"), golden.tensor("lengths").integers()).map { Array($0.prefix($1)) }
        let pixels = try normalizedPixels(golden.pixels(), side: model.configuration.vision.imageSide)
        let made = try model.images(pixels).times(model.texts(texts).permuted([1, 0]))
        #expect(try distance(made.floats(), golden.floats("cosine")) <= 1e-5)
    }

    @Test("bfloat16 runs and stays near float32")
    func bfloat16() throws {
        let golden = try GoldenModel("clip-even")
        let made = try golden.clip(.bfloat16).images(golden.tensor("pixel_values"))
        #expect(try distance(made.floats(), golden.floats("image_embeds")) < 0.05)
    }

    @Test(
        "int8 runs and stays near float32", .enabled(if: Precision.int8.obstacle(on: .cpu) == nil), arguments: names)
    func int8(name: String) throws {
        let golden = try GoldenModel(name)
        let made = try golden.clip(in: .int8).images(golden.tensor("pixel_values"))
        #expect(try distance(made.floats(), golden.floats("image_embeds")) < 0.05)
    }
}
