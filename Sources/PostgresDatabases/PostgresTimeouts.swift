/// How long a part of the work with a server may take; decision 0036 has the reasons.
package struct PostgresTimeouts: Sendable {
    /// To connect to one server, in whole seconds.
    package var connecting = Duration.seconds(5)
    /// Without an acknowledgement of what was sent; an idle connection is probed in that time as well.
    package var silence = Duration.seconds(5)
    /// For a statement, on the server.
    package var statement = Duration.seconds(30)
    /// For a statement to wait for what another transaction holds.
    package var lock = Duration.seconds(10)
    /// Between two statements of a transaction; the server then ends it with its connection.
    package var idleTransaction = Duration.seconds(30)
    /// More than `statement`, until an answer is no longer expected at all.
    package var answer = Duration.seconds(40)
    /// For the steps of a migration, and for another's.
    package var migration = Duration.seconds(600)
    /// From the call of a transaction on, in which connections are opened again and it is begun again.
    package var patience = Duration.seconds(10)

    package init() {}
}

extension Duration {
    var inMilliseconds: Int { Int(components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000) }
}
