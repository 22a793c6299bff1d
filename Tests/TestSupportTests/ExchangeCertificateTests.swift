import Foundation
import TestSupport
import Testing

@Suite struct ExchangeCertificateTests {
    @Test("A client that trusts the authority accepts its server")
    func trusted() async throws {
        let authority = try TestAuthority()
        #expect(try await connect(authority, try authority.server()).status == 101)
    }

    @Test("An expired certificate, one of another host and one of an unknown authority are refused")
    func refused() async throws {
        let authority = try TestAuthority()
        for flaw in TestAuthority.Flaw.allCases {
            let state = try await connect(authority, authority.server(with: flaw))
            #expect(state.status == nil && state.error != nil)
        }
    }

    @Test("The folder goes with the authority")
    func cleanUp() throws {
        var authority: TestAuthority? = try TestAuthority()
        let path = try #require(authority?.authorityPath)
        #expect(FileManager.default.fileExists(atPath: path))
        authority = nil
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    private func connect(
        _ authority: TestAuthority, _ certificate: TestAuthority.Certificate
    ) async throws -> ExchangeClient.State {
        try await withExchange(.seeded(frameCount: 1), Playback(), .init(certificate: certificate)) { server in
            let client = try await ExchangeClient.open(server, trusting: authority)
            defer { withExtendedLifetime(authority) {} }
            return client.state.value
        }
    }
}
