import Foundation
import TestSupport
import Testing

@testable import Transport

/// What a worker makes of the file that leads it to the coordinator.
@Suite("The file with a coordinator's address", .timeLimit(.minutes(1))) struct AddressFileTests {
    private let folder: String
    private var path: String { folder + "/url" }
    private var file: AddressFile { AddressFile(path) }

    init() throws { folder = try Project.temporaryFolder() }

    private func finished<Value>(_ body: () async throws -> Value) async throws -> Bool {
        do {
            _ = try await body()
            return false
        } catch let error as TransportError where error.code == .finished {
            return true
        }
    }

    @Test("ends workers that ask in vain, or are not answered, when it says that nothing is left to do")
    func running() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }  // only litter would be left
        for isSilent in [false, true] {
            try file.announce("http://127.0.0.1:1")
            let access = try CoordinatorAccess(url: nil, urlFile: path, tokenFile: nil)
            let client = CoordinatorClient(access, worker: "w") { [file] _ in
                try file.finish()
                if isSilent { try await Task.sleep(for: .seconds(3600)) }
                throw CocoaError(.fileReadUnknown)
            }
            #expect(try await finished { try await client.acquire() })
        }
    }

    @Test("ends workers that come later, but not one that comes with a coordinator that has more to do")
    func late() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }  // only litter would be left
        try file.finish()
        let path = path
        #expect(
            try await finished { try await CoordinatorAccess.written(urlFile: path, tokenFile: nil, within: .zero) })
        #expect(
            try await finished {
                try await CoordinatorAccess.written(urlFile: path, tokenFile: nil, within: .seconds(3600))
            })
        async let access = CoordinatorAccess.written(urlFile: path, tokenFile: nil, within: .seconds(3600))
        try await Task.sleep(for: .seconds(1))
        file.reopen()
        #expect(!FileManager.default.fileExists(atPath: path))
        try file.announce("http://127.0.0.1:1/")
        #expect(try await access.current.url == "http://127.0.0.1:1")
    }

    @Test("is taken away by the coordinator that wrote it, and by no other")
    func withdrawn() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }  // only litter would be left
        try file.announce("http://127.0.0.1:1")
        file.withdraw("http://127.0.0.1:2")
        file.reopen()
        #expect(try file.read() == .address("http://127.0.0.1:1"))
        file.withdraw("http://127.0.0.1:1")
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
