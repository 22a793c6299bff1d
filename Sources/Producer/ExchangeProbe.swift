import Runtime
import WebSocket

/// Asks the exchange for its markets and opens a WebSocket, once each. Nothing is subscribed to.
///
/// Lives on the event loop's thread, which is the caller's.
final class ExchangeProbe: WebSocketDelegate {
    private let loop: EventLoop
    private let settings: ProducerSettings
    private let limit: Duration
    private var request: HTTPRequest?
    private var connection: WebSocketConnection?
    private var markets: Finding?
    private var socket: Finding?

    /// Blocks.
    static func findings(_ settings: ProducerSettings, within limit: Duration) -> [Finding] {
        do {
            let loop = try EventLoop(certificateAuthorityFile: settings.certificateAuthorityFile)
            let probe = ExchangeProbe(loop, settings, limit)
            probe.start()
            try loop.run {}
            return [probe.markets, probe.socket].compactMap(\.self)
        } catch {
            return [.misconfigured("exchange", "\(error)", next: "See UPBIT_CA_FILE")]
        }
    }

    private init(_ loop: EventLoop, _ settings: ProducerSettings, _ limit: Duration) {
        self.loop = loop
        self.settings = settings
        self.limit = limit
    }

    private func start() {
        request = HTTPRequest(loop, get: settings.rest, limitBytes: 4 << 20, timeout: limit) { [self] result in
            request = nil
            markets = finding(of: result)
            stopWhenDone()
        }
        connection = WebSocketConnection(
            loop, to: settings.webSocket,
            limits: .init(
                messageBytes: settings.frameLimitBytes, pingSeconds: settings.pingSeconds, openingTime: limit),
            delegate: self)
    }

    private func stopWhenDone() {
        if markets != nil, socket != nil, connection == nil { loop.stop() }
    }

    private func finding(of result: Result<HTTPRequest.Response, WebSocketError>) -> Finding {
        let problem: MarketList.Unusable
        switch MarketList.codes(in: result) {
        case .success(let listed): return finding(of: listed)
        case .failure(let why): problem = why
        }
        let detail = "\(settings.rest): \(problem)"
        guard settings.markets.codes.isEmpty else {
            return .note(
                "exchange markets", detail, next: "The markets of UPBIT_MARKETS that are codes are taken as they are")
        }
        return .unavailable("exchange markets", detail, next: "Check the network, UPBIT_MARKETS_URL and UPBIT_CA_FILE")
    }

    private func finding(of listed: [String]) -> Finding {
        let chosen = settings.markets.choose(from: listed).count
        let detail = "\(settings.rest): \(listed.count) listed, \(chosen) of them wanted"
        if chosen == 0 {
            return .misconfigured("exchange markets", detail, next: "See UPBIT_MARKETS")
        }
        let unknown = settings.markets.codes.filter { !listed.contains($0) }
        return unknown.isEmpty
            ? .works("exchange markets", detail)
            : .note(
                "exchange markets", "\(detail), not listed: \(unknown.joined(separator: ", "))",
                next: "See UPBIT_MARKETS")
    }

    func webSocketDidOpen(_ connection: WebSocketConnection) {
        socket = .works("exchange WebSocket", "\(settings.webSocket): opens")
        connection.abort("checked")
    }

    func webSocket(_ connection: WebSocketConnection, didReceive message: UnsafeRawBufferPointer) {}

    func webSocket(_ connection: WebSocketConnection, didClose reason: WebSocketConnection.CloseReason) {
        self.connection = nil
        if socket == nil {
            let why = if case .failed(let why) = reason { why } else { "\(reason)" }
            socket = .unavailable(
                "exchange WebSocket", "\(settings.webSocket): \(why)",
                next: "Check the network, UPBIT_WEBSOCKET_URL and UPBIT_CA_FILE")
        }
        stopWhenDone()
    }
}
