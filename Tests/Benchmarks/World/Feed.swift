import Foundation
import TestSupport

/// A session on the exchange's socket with TLS, and who reads it.
struct Feed {
    let exchange: ExchangeServer
    private let authority: TestAuthority

    /// Waits with the first frame for ``ExchangeServer/resume()``.
    init(_ session: Session, _ pace: Playback.Pace = .unlimited) async throws {
        authority = try TestAuthority()
        exchange = try await ExchangeServer.start(
            session: session, playback: Playback(pace, start: .manual),
            settings: ExchangeSettings(certificate: try authority.server()))
    }

    var authorityPath: String { authority.authorityPath }

    /// Starts the real producer, and returns when the exchange is ready to send to it.
    func startProducer(_ pipeline: Pipeline) async throws -> ChildProcess {
        try pipeline.startProducer([
            "UPBIT_WEBSOCKET_URL": exchange.webSocketURL, "UPBIT_MARKETS_URL": "\(exchange.restURL)/v1/market/all",
            "UPBIT_CA_FILE": authority.authorityPath, "UPBIT_MARKETS": "*",
        ])
        try await exchange.observed.wait(within: .seconds(20)) { !$0.subscriptions.isEmpty }
        guard let producer = pipeline.producer else { throw SetupError("no producer") }
        return producer
    }
}
