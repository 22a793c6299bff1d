/// What a server says of itself and of the connection to it.
package struct PostgresServer: Sendable, CustomStringConvertible {
    package let version: String
    package let isEncrypted: Bool
    /// The server's clock, in seconds since 1970.
    package let seconds: Double

    package var description: String { "PostgreSQL \(version)\(isEncrypted ? ", TLS" : "")" }
}

extension PostgresConnection {
    package func server() throws(PostgresError) -> PostgresServer {
        let answer = try query(
            """
            SELECT split_part(current_setting('server_version'), ' ', 1),
                coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)::int,
                extract(epoch FROM clock_timestamp())
            """)
        return PostgresServer(
            version: answer.text(0, 0) ?? "", isEncrypted: answer.integer(0, 1) == 1,
            seconds: answer.text(0, 2).flatMap { Double($0) } ?? 0)
    }

    /// Those of `privileges` (`SELECT`, `INSERT` …) on a table or view, which exists, that the role lacks.
    package func lackedPrivileges(
        of privileges: [String], on table: String
    ) throws(PostgresError) -> [String] {
        let list = privileges.map { "'\($0)'" }.joined(separator: ", ")
        let answer = try query(
            "SELECT name FROM unnest(ARRAY[\(list)]) AS name WHERE NOT has_table_privilege($1, name)", [table])
        return (0..<answer.rowCount).compactMap { answer.text($0, 0) }
    }
}
