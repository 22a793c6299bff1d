import Foundation
import Postgres
import Testing

import TestSupport

@Suite struct TimescaleServerTests {
    @Test("A database of the shared server has hypertables")
    func hypertable() async throws {
        let configuration = try await TimescaleServer.shared.createDatabase("hypertable")
        let connection = try PostgresConnection(configuration)
        try connection.execute("CREATE TABLE t (time timestamptz NOT NULL)")
        let result = try connection.query("SELECT hypertable_id FROM create_hypertable('t', by_range('time'))")
        #expect(result.rowCount == 1)
    }

    @Test("A database can be plain PostgreSQL")
    func plain() async throws {
        let configuration = try await TimescaleServer.shared.createDatabase("plain", extension: false)
        let result = try PostgresConnection(configuration).query(
            "SELECT FROM pg_extension WHERE extname = 'timescaledb'")
        #expect(result.rowCount == 0)
    }

    @Test("What was committed survives SIGKILL of the server, which starts again at once")
    func kill() async throws {
        let server = try await TimescaleServer()
        let configuration = try await server.createDatabase("survivor")
        try PostgresConnection(configuration).execute("CREATE TABLE t (n bigint); INSERT INTO t VALUES (7)")
        for _ in 1...3 {
            try await server.kill()
            #expect(throws: PostgresError.self) { _ = try PostgresConnection(configuration).isOpen }
            try await server.restart()
        }
        #expect(try PostgresConnection(configuration).query("SELECT n FROM t").integer(0, 0) == 7)
        try await server.stop()
        #expect(!FileManager.default.fileExists(atPath: server.folder))
    }

    @Test("A setting given by the test wins over ours")
    func settings() async throws {
        let server = try await TimescaleServer(extraSettings: ["max_connections": "7"])
        let connection = try PostgresConnection(server.configuration(database: "postgres"))
        #expect(try connection.query("SHOW max_connections").text(0, 0) == "7")
        try await server.stop()
    }
}
