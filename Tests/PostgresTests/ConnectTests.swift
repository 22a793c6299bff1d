import Postgres
import TestSupport
import Testing

@Suite("Connecting")
struct ConnectTests {
    private let secret = "s3cret-and-long"

    private func configuration(port: Int) -> PostgresConfiguration {
        PostgresConfiguration(
            host: "127.0.0.1", port: port, database: "nowhere", user: "postgres", password: secret,
            sslMode: "disable", applicationName: "test")
    }

    @Test("A refused port is worth another try, and has no SQLSTATE")
    func refused() async throws {
        let error = try #require(try await connectFailure(configuration(port: freePort())))
        #expect(error.isRetriable && error.sqlState == nil)
        #expect(error.description.contains("127.0.0.1"))
    }

    @Test("A database that is not there is told in one line, in the server's words")
    func wrongDatabase() async throws {
        let server = try await TimescaleServer.shared
        let error = try #require(try await connectFailure(server.configuration(database: "nowhere")))
        #expect(error.description.contains(#"database "nowhere" does not exist"#))
        #expect(!error.description.contains("\n"))
    }

    @Test("A password appears in no error and in no description")
    func password() async throws {
        let server = try await TimescaleServer.shared
        var wrong = configuration(port: server.port)
        let errors = [
            try await connectFailure(configuration(port: freePort())), try await connectFailure(wrong),
        ]
        wrong.sslMode = secret
        for error in errors {
            let error = try #require(error)
            #expect(!String(reflecting: error).contains(secret) && !error.description.contains(secret))
        }
        let configuration = configuration(port: 1)
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped] {
            #expect(!text.contains(secret) && text.contains("127.0.0.1"), "\(text)")
        }
    }

    @Test("The server's list of connections shows who we are")
    func applicationName() async throws {
        let name = try await TestDatabase().connected { connection in
            try connection.query("SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()")
                .text(0, 0)
        }
        #expect(name == "test")
    }

    @Test("Spelling of times and numbers does not depend on the settings of role and database")
    func settings() async throws {
        let database = try await TestDatabase()
        let role = "elsewhere"
        let name = database.configuration.database
        try await database.connected { connection in
            try connection.execute(
                """
                CREATE ROLE \(role) LOGIN;
                ALTER ROLE \(role) SET timezone = 'Asia/Seoul';
                ALTER ROLE \(role) SET datestyle = 'German';
                ALTER ROLE \(role) SET extra_float_digits = -10;
                ALTER DATABASE "\(name)" SET timezone = 'Asia/Seoul';
                ALTER ROLE \(role) IN DATABASE "\(name)" SET datestyle = 'SQL, DMY'
                """)
        }
        var configuration = database.configuration
        configuration.user = role
        let row = try await DatabaseProbe(configuration).rows(
            "SELECT timestamptz '2026-01-02 03:04:05.678+09', float8 '0.1234567890123456', current_user")
        #expect(row == [["2026-01-01 18:04:05.678+00", "0.1234567890123456", role]])
    }
}
