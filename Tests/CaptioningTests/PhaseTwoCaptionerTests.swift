import BLIP2Models
import Captioning
import Decoding
import Foundation
import Images
import Locks
import ModelFolders
import Stages
import Tensors
import TestSupport
import Testing

@Suite("A phase-2 model as a captioner")
struct PhaseTwoCaptionerTests {
    private func withModel<Value>(
        _ family: String, _ body: (_ folder: String) async throws -> Value
    ) async throws -> Value {
        let folder = try Project.temporaryFolder("phase2")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try RandomCheckpoint.writePhaseTwo(family == "opt" ? .opt : .t5, to: folder, seed: 1)
        return try await body(folder)
    }

    private func captioner(
        _ folder: String, prompt: String? = "a photo of ", seed: UInt64 = 42, engines: Int = 1,
        _ sampling: SamplingOptions = SamplingOptions()
    ) throws -> any TimedCaptioner {
        try loadCaptioner(
            directory: folder, CaptionRecipe(prompt: prompt, sampling: sampling, seed: seed), precision: .float32,
            engines: EnginePool(engineCount: engines))
    }

    @Test("a random one captions with ordinary words; the prompt is no part of the text")
    func words() async throws {
        try await withModel("opt") { folder in
            let captioner = try captioner(folder)
            #expect(captioner is PhaseTwoCaptioner)
            let made = try await captioner.caption(
                CaptioningTests.requests(2, side: captioner.view.side), count: 10)
            #expect(made.map(\.count) == [10, 10])
            for caption in made.flatMap(\.self) {
                #expect(!caption.text.isEmpty && caption.logprob < 0)
                #expect(!caption.text.hasPrefix("a photo of"))
            }
            #expect(Set(made.flatMap(\.self).map(\.text)).count > 15)
        }
    }

    @Test("without a prompt it goes on from nothing, and BLIP from its own words", arguments: [true, false])
    func ownPrompt(isPhaseTwo: Bool) async throws {
        let folder = try Project.temporaryFolder("captioner")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        if isPhaseTwo {
            try RandomCheckpoint.writePhaseTwo(.opt, to: folder, seed: 1)
        } else {
            try RandomCheckpoint.writeBLIP(to: folder, seed: 1)
        }
        let own = try captioner(folder, prompt: nil)
        let requests = CaptioningTests.requests(1, side: own.view.side)
        let made = try await own.caption(requests, count: 3)
        for prompt in ["", "a picture of "] {
            let same = try await captioner(folder, prompt: prompt).caption(requests, count: 3) == made
            #expect(same == (prompt.isEmpty == isPhaseTwo))
        }
    }

    @Test(
        "captions depend on seed, key and number only: not on batch, count or the number of engines",
        arguments: ["opt", "t5"])
    func independence(family: String) async throws {
        try await withModel(family) { folder in
            let one = try captioner(folder)
            let requests = CaptioningTests.requests(4, side: one.view.side)
            let all = try await one.caption(requests, count: 4)
            #expect(try await captioner(folder, engines: 3).caption(requests, count: 4) == all)
            for (number, request) in requests.enumerated() {
                #expect(try await one.caption([request], count: 4)[0] == all[number])
            }
            let fewer = try await one.caption(requests, count: 2)
            #expect(fewer.map { $0.map(\.tokens) } == all.map { $0.prefix(2).map(\.tokens) })
            #expect(try await captioner(folder, seed: 43).caption(requests, count: 4) != all)
            let renamed = CaptionRequest(key: "other", pixels: requests[0].pixels)
            #expect(try await one.caption([renamed], count: 4)[0] != all[0])
        }
    }

    @Test("lengths count the prompt's tokens where they begin the caption, as BLIP's do; a prompt may be empty")
    func lengths() async throws {
        try await withModel("opt") { folder in
            let sampling = SamplingOptions(minLength: 9, maxLength: 9)
            for prompt in ["a photo of ", ""] {
                let captioner = try captioner(folder, prompt: prompt, sampling)
                let model = try GenerationModel(directory: folder, precision: .float32, on: .cpu)
                // `</s>`, which begins the text, ends none here: it is counted too.
                let begun = try model.tokens(of: prompt)
                #expect(captioner.promptCount == begun.count && begun[0] == 2)
                let made = try await captioner.caption(
                    CaptioningTests.requests(1, side: captioner.view.side), count: 3)
                for caption in made[0] {
                    #expect(caption.tokens.count == 9 && caption.tokens.prefix(begun.count) == begun[...])
                }
            }
            let error = #expect(throws: ModelError.self) {
                _ = try captioner(folder, SamplingOptions(maxLength: 121))
            }
            #expect(error?.code == .badOption && error?.message.contains("room for 120") == true)
        }
    }

    @Test("tells of every token that it makes, and what its parts took")
    func moves() async throws {
        try await withModel("t5") { folder in
            let captioner = try captioner(folder)
            let count = Locked(0)
            let times = PartTimes()
            let made = try await captioner.caption(
                CaptioningTests.requests(1, side: captioner.view.side), count: 2, times: times
            ) { count.withLock { $0 += 1 } }
            let longest = made[0].map(\.tokens.count).max() ?? 0
            #expect(count.withLock { $0 } >= longest - 1)
            for part in [ModelPart.vision, .crossKeysValues, .decode, .sampling] { #expect(times.seconds(part) > 0) }
        }
    }

    @Test("greedy, all captions are the likeliest one")
    func greedy() async throws {
        try await withModel("opt") { folder in
            let captioner = try captioner(folder, SamplingOptions(greedy: true))
            let made = try await captioner.caption(
                CaptioningTests.requests(1, side: captioner.view.side), count: 3)
            #expect(made[0].count == 3 && Set(made[0].map(\.text)).count == 1)
        }
    }
}

@Suite("A conversation about an image")
struct ConversationTests {
    @Test("asks behind all that was said, with a full stop behind each answer")
    func prompt() throws {
        var conversation = try #require(Conversation(template: "Question: {} Answer:"))
        #expect(conversation.prompt(asking: "what?") == "Question: what? Answer:")
        conversation.note("what?", answer: "a dog")
        conversation.note("where?", answer: "at home!")
        #expect(
            conversation.prompt(asking: "why?")
                == "Question: what? Answer: a dog. Question: where? Answer: at home! Question: why? Answer:")
        #expect(Conversation(template: "what?") == nil && Conversation(template: "{} {}") == nil)
    }

    @Test("forgets the oldest first, and nothing where not even the question fits")
    func forgetting() throws {
        var conversation = try #require(Conversation(template: "Q {} A"))
        for number in 0..<4 { conversation.note("\(number)", answer: "x") }
        #expect(conversation.forget(asking: "q") { $0.count <= 1000 } == 0)
        #expect(conversation.forget(asking: "q") { $0.count <= 4 } == nil)
        #expect(conversation.forget(asking: "q") { $0.count <= "Q 2 A x. Q 3 A x. Q q A".count } == 2)
        #expect(conversation.prompt(asking: "q") == "Q 2 A x. Q 3 A x. Q q A")
    }
}
