import Testing

@testable import Runtime

@Suite("The database's settings")
struct DatabaseSettingsTests {
    @Test("Without any, it is a database on this machine")
    func defaults() throws {
        let settings = try DatabaseSettings(in: Environment([:]))
        #expect(settings.host == "localhost" && settings.port == 5432 && settings.database == "coin")
        #expect(settings.user == "postgres" && settings.password == nil && settings.sslMode == "prefer")
    }

    @Test(
        "A server on this machine may speak without TLS",
        arguments: ["localhost", "127.0.0.1", "127.8.9.1", "::1", "/var/run/postgresql"])
    func near(_ host: String) throws {
        let settings = try DatabaseSettings(in: Environment(["TIMESCALEDB_HOST": host]))
        #expect(settings.sslMode == "prefer" && settings.sslRootCertificate == nil)
    }

    @Test(
        "A server elsewhere has to prove who it is",
        arguments: ["db", "10.0.0.1", "localhost.example.com", "1270.example.com", "::2", "127.example.com"])
    func far(_ host: String) throws {
        #expect(try DatabaseSettings(in: Environment(["TIMESCALEDB_HOST": host])).sslMode == "verify-full")
    }

    @Test("What is given wins over what the host asks for")
    func given() throws {
        let settings = try DatabaseSettings(
            in: Environment([
                "TIMESCALEDB_HOST": "db", "TIMESCALEDB_SSLMODE": "verify-ca", "TIMESCALEDB_SSLROOTCERT": "/ca.pem",
                "TIMESCALEDB_PASSWORD": "s3cret",
            ]))
        #expect(settings.sslMode == "verify-ca" && settings.sslRootCertificate == "/ca.pem")
        #expect(settings.password == "s3cret")
        let open = Environment(["TIMESCALEDB_HOST": "db", "TIMESCALEDB_SSLMODE": "disable"])
        #expect(try DatabaseSettings(in: open).sslRootCertificate == nil)
    }

    @Test("An unknown mode is an error that lists libpq's")
    func unknownMode() throws {
        let error = try #require(throws: ConfigurationError.self) {
            _ = try DatabaseSettings(in: Environment(["TIMESCALEDB_SSLMODE": "yes"]))
        }
        #expect(
            error.description
                == "TIMESCALEDB_SSLMODE: 'yes' is not one of disable, allow, prefer, require, verify-ca, verify-full")
    }
}
