import Postgres
import TestSupport
import Testing

@Suite("A database behind TLS", .timeLimit(.minutes(5)))
struct TLSTests {
    /// A server that shows `certificate`, and how to reach it, for as long as `body` runs.
    private func withServer(
        _ certificate: TestAuthority.Certificate, trusting authority: TestAuthority,
        _ body: (PostgresConfiguration) async throws -> Void
    ) async throws {
        let server = try await TimescaleServer(extraSettings: ["fsync": "off"], certificate: certificate)
        var configuration = server.configuration(database: "postgres")
        configuration.sslMode = "verify-full"
        configuration.sslRootCertificate = authority.authorityPath
        try await body(configuration)
        try await server.stop()
        withExtendedLifetime(authority) {}
    }

    private let isEncrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"

    @Test("The server's certificate is verified, and what is said is encrypted")
    func trusted() async throws {
        let authority = try TestAuthority()
        try await withServer(authority.server(), trusting: authority) { configuration async throws in
            #expect(try await DatabaseProbe(configuration).rows(isEncrypted) == [["t"]])
        }
    }

    @Test(
        "Another host's, an expired and an unknown authority's certificate are refused",
        arguments: TestAuthority.Flaw.allCases)
    func refused(_ flaw: TestAuthority.Flaw) async throws {
        let authority = try TestAuthority()
        try await withServer(authority.server(with: flaw), trusting: authority) { configuration async throws in
            let error = try #require(try await connectFailure(configuration))
            // libpq's own words, and OpenSSL's.
            let words = flaw == .otherHost ? "does not match host name" : "certificate verify failed"
            #expect(error.description.contains(words))
            // It is the certificate that is refused: who does not look at it is served.
            var trustful = configuration
            (trustful.sslMode, trustful.sslRootCertificate) = ("require", nil)
            #expect(try await DatabaseProbe(trustful).rows(isEncrypted) == [["t"]])
        }
    }

    @Test("A server without TLS is refused where it has to prove who it is")
    func plain() async throws {
        let authority = try TestAuthority()
        var configuration = try await TimescaleServer.shared.configuration(database: "postgres")
        (configuration.sslMode, configuration.sslRootCertificate) = ("verify-full", authority.authorityPath)
        let error = try #require(try await connectFailure(configuration))
        #expect(error.description.contains("does not support SSL"))
    }
}
