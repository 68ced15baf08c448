/// What is asked of libpq and of the server for every connection; decision 0036 has the reasons.
struct PostgresSettings: Sendable {
    /// Lines of libpq's keywords and values, which the address may say otherwise.
    let keywords: String
    /// Statements that begin a connection.
    let session: String

    /// For connections that call themselves `name` and look for tables in `schema`.
    init(_ timeouts: PostgresTimeouts, name: String, schema: String) {
        let silence = max(3, Int(timeouts.silence.components.seconds))
        keywords = """
            fallback_application_name=\(name)
            connect_timeout=\(timeouts.connecting.components.seconds)
            keepalives=1
            keepalives_idle=\(silence - 2)
            keepalives_interval=1
            keepalives_count=2
            tcp_user_timeout=\(timeouts.silence.inMilliseconds)
            target_session_attrs=read-write
            """
        // The server lets go of a client that it has not heard of, and of its locks, a little later than the client gives up.
        session = """
            SET search_path = "\(schema)";
            SET statement_timeout = \(timeouts.statement.inMilliseconds);
            SET lock_timeout = \(timeouts.lock.inMilliseconds);
            SET idle_in_transaction_session_timeout = \(timeouts.idleTransaction.inMilliseconds);
            SET tcp_keepalives_idle = \(silence - 2);
            SET tcp_keepalives_interval = 2;
            SET tcp_keepalives_count = 3;
            SET tcp_user_timeout = \(timeouts.silence.inMilliseconds + 4000);
            SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
            """
    }
}
