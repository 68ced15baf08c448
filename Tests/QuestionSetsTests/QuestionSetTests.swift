import Foundation
import Loading
import Samples
import Storage
import Tables
import TestSupport
import Testing
import TextMetrics

@testable import QuestionSets

/// A published data set of which only the tables are there: rows of a key, a status and a source id.
private struct Pictures {
    let root: String

    init(_ rows: [(key: String, status: String, id: String?)]) throws {
        root = try Project.temporaryFolder("pictures")
        let output = OutputDirectory(root)
        try output.create()
        let table = try TableWriter(
            path: "\(root)/shards/s-000000.parquet",
            columns: [("key", .string), ("status", .string), ("source_id", .string)])
        for row in rows {
            try table.append([.string(row.key), .string(row.status), row.id.map { .string($0) } ?? .null])
        }
        try table.finish()
        let shard = DatasetDescription.Shard(
            name: "s-000000", source: "s", samples: rows.count, bytes: 0, sha256: "", tableBytes: nil,
            tableSHA256: nil)
        let description = DatasetDescription(
            name: "s", manifestDigest: "", modelDigests: [:], softwareVersion: "", complete: true, totals: .init(),
            shards: [shard])
        try output.write(description.json(), to: "dataset.json")
    }

    var dataset: Dataset { Dataset(at: root) }
    func remove() { try? FileManager.default.removeItem(atPath: root) }
}

/// Files of questions as VQAv2 has them.
private func questions(_ list: [(id: Int, image: Int, text: String, answers: [String])]) throws -> Questions {
    let folder = try Project.temporaryFolder("questions")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let asked = list.map { ["question_id": $0.id, "image_id": $0.image, "question": $0.text] as [String: Any] }
    let answered = list.map { item in
        ["question_id": item.id, "image_id": item.image, "answers": item.answers.map { ["answer": $0] }]
            as [String: Any]
    }
    for (name, values) in [("questions", asked), ("annotations", answered)] {
        try JSONSerialization.data(withJSONObject: [name: values])
            .write(to: URL(fileURLWithPath: "\(folder)/\(name).json"))
    }
    return try Questions(vqa: folder + "/questions.json", annotations: folder + "/annotations.json")
}

@Suite("Questions about the images of data sets") struct QuestionSetTests {
    private let rows: [(key: String, status: String, id: String?)] = [
        ("s-0", "success", "000000000009"), ("s-1", "success", "12"), ("s-2", "http_error", "13"),
        ("s-3", "success", nil), ("s-4", "success", "picture.a"),
    ]

    private func made(draws: Bool = false) throws -> QuestionSet {
        let pictures = try Pictures(rows)
        defer { pictures.remove() }
        let asked = try questions([
            (1, 9, "what is it", ["a dog", "a dog", "dog", ""]), (2, 9, "is it day", ["yes"]),
            (3, 9, "how many", ["2", "3"]), (4, 13, "who", ["nobody"]), (5, 12, "where", [" "]),
        ])
        return try QuestionSet(
            [.init("q.json", asked.questions, weight: 0.5)], about: [pictures.dataset], seed: 7, drawsAnswers: draws
        ) { $0.uppercased() }
    }

    @Test("are found by the images' source ids, and what has no counterpart is counted")
    func counts() throws {
        let set = try made()
        #expect(set.keys == ["s-0"])
        #expect(
            set.counts
                == QuestionSet.Counts(
                    questions: 3, images: 1, questionsWithoutImage: 1, questionsWithoutAnswer: 1,
                    imagesWithoutQuestion: 2))
    }

    @Test("are all asked once before one is asked again, in another order for each round")
    func order() throws {
        let set = try made()
        let rounds = (0..<20).map { round in (0..<3).map { set.ask("s-0", pass: 3 * round + $0).text } }
        #expect(rounds.allSatisfy { Set($0) == ["WHAT IS IT", "IS IT DAY", "HOW MANY"] })
        #expect(Set(rounds).count > 2)
        #expect(try made().ask("s-0", pass: 4) == set.ask("s-0", pass: 4))
    }

    @Test("have all different answers by how many gave them; empty ones are none")
    func shares() throws {
        let set = try made()
        let asked = (0..<3).map { set.ask("s-0", pass: $0) }
        let question = try #require(asked.first { $0.text == "WHAT IS IT" })
        #expect(question.weight == 0.5 && question.answers.map(\.text) == ["a dog", "dog"])
        #expect(question.answers.map { ($0.share * 3).rounded() } == [2, 1])
    }

    @Test("have one answer drawn by the shares where that is asked for")
    func drawn() throws {
        let set = try made(draws: true)
        let answers = (0..<600).map { set.ask("s-0", pass: $0) }.filter { $0.text == "WHAT IS IT" }.map(\.answers)
        #expect(answers.allSatisfy { $0.count == 1 && $0[0].share == 1 })
        let dogs = answers.count { $0[0].text == "a dog" }
        #expect(answers.count == 200 && (110...155).contains(dogs), "\(dogs) of \(answers.count)")
    }

    @Test("about other images are refused with an id of each side")
    func noMatch() throws {
        let pictures = try Pictures(rows)
        defer { pictures.remove() }
        let asked = try questions([(1, 77, "what", ["it"])])
        let error = #expect(throws: QuestionError.self) {
            try QuestionSet([.init("q.json", asked.questions, weight: 1)], about: [pictures.dataset], seed: 1)
        }
        #expect(error?.code == .noMatch && error?.detail.contains("such as 77") == true, "\(error as Any)")
        #expect(error?.detail.contains("such as 12") == true)
    }

    @Test("about a sample that two data sets of one set have are refused")
    func twice() throws {
        let pictures = try Pictures(rows)
        defer { pictures.remove() }
        let asked = try questions([(1, 9, "what", ["it"])])
        let error = #expect(throws: QuestionError.self) {
            try QuestionSet(
                [.init("q.json", asked.questions, weight: 1)], about: [pictures.dataset, pictures.dataset], seed: 1)
        }
        #expect(error?.code == .table && error?.detail.contains("s-0") == true)
    }
}
