import Testing

@testable import Builds

@Suite("The option --store") struct StoreOptionTests {
    @Test("goes into scripts without its password")
    func flags() throws {
        var option = StoreOption()
        option.store = "postgresql://build:s3cret@db:6432/captions"
        try option.validate()
        #expect(option.flags == ["--store", "postgresql://build@db:6432/captions"])
        option.store = nil
        try option.validate()
        #expect(option.flags == [])
    }

    @Test(
        "is refused, and not shown, where it cannot be told what is a password",
        arguments: [
            "postgresql://build:s3@cret@db/x", "postgresql://build@db/x?passwort=s3cret", "mysql://b:s3cret@db",
        ])
    func unreadable(address: String) {
        var option = StoreOption()
        option.store = address
        let error = #expect(throws: (any Error).self) { try option.validate() }
        #expect(error.map { "\($0)".contains("postgresql://USER@HOST") && !"\($0)".contains("cret") } == true)
    }
}
