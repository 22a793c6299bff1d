import Runtime
import Synchronization
import TestSupport
import Testing

@testable import WebSocket

/// The wrapper itself; what the producer makes of it is in ProducerTests.
///
/// One after the other: libwebsockets keeps state of TLS for the whole process, and a service has one loop.
@Suite("A WebSocket connection", .serialized)
struct ConnectionTests {
    @Test("Messages arrive whole, however they were cut, over TLS", .timeLimit(.minutes(5)))
    func messages() async throws {
        let authority = try TestAuthority()
        let session = Session.seeded(frameCount: 200)
        let exchange = try await ExchangeServer.start(
            session: session,
            playback: Playback(faults: [0: [.fragment(pieces: 3)], 50: [.fragment(pieces: 100)], 100: [.textFrame]]),
            settings: ExchangeSettings(certificate: try authority.server()))
        let client = try Client(exchange.webSocketURL, authority: authority.authorityPath)
        let log = try await client.run(until: 200, sending: subscription(session))
        #expect(log.messages == session.frames().map(\.bytes))
        let headers = exchange.observed.value.connections[0].headers
        #expect(headers.filter { $0.name.lowercased() == "connection" }.map(\.value) == ["Upgrade"])
        await exchange.stop()
    }

    @Test("A socket that is not read keeps its messages for later", .timeLimit(.minutes(5)))
    func flowControl() async throws {
        let session = Session.seeded(frameCount: 5_000)
        let exchange = try await ExchangeServer.start(session: session)
        let client = try Client(exchange.webSocketURL, pausingAt: 100)
        let log = try await client.run(until: 5_000, sending: subscription(session))
        #expect(log.messages == session.frames().map(\.bytes))
        #expect(log.whilePaused < 1_000)
        await exchange.stop()
    }

    @Test("A message beyond the limit ends the connection, and its rest harms nobody", .timeLimit(.minutes(5)))
    func tooLarge() async throws {
        let session = Session.seeded(frameCount: 5)
        let exchange = try await ExchangeServer.start(
            session: session, playback: Playback(faults: [2: [.pad(bytes: 8_000_000)]]))
        let client = try Client(exchange.webSocketURL)
        let log = try await client.run(until: 5, sending: subscription(session))
        #expect(log.messages.count == 2 && log.closed == .messageTooLarge(limitBytes: 1_000_000))
        await exchange.stop()
    }

    @Test(
        "The end of a connection is told with its reason",
        .timeLimit(.minutes(5)),
        arguments: [
            (ExchangeFault.close(code: 1001), WebSocketConnection.CloseReason.closedByPeer(code: 1001, reason: "")),
            (.hangUp, .lost), (.reset, .lost),
        ])
    func ends(_ fault: ExchangeFault, _ reason: WebSocketConnection.CloseReason) async throws {
        let session = Session.seeded(frameCount: 5)
        let exchange = try await ExchangeServer.start(session: session, playback: Playback(faults: [4: [fault]]))
        let client = try Client(exchange.webSocketURL)
        let log = try await client.run(until: 99, sending: subscription(session))
        #expect(log.closed == reason)
        await exchange.stop()
    }

    @Test(
        "A silent peer is asked whether it is there, and given up when it leaves that unanswered",
        .timeLimit(.minutes(5)))
    func silence() async throws {
        let session = Session.seeded(frameCount: 5)
        let exchange = try await ExchangeServer.start(
            session: session, playback: Playback(faults: [4: [.stall(answeringPings: true)]]))
        let client = try Client(exchange.webSocketURL, pingSeconds: 1)
        async let log = client.run(until: 99, sending: subscription(session))
        try await exchange.observed.wait { $0.pingCount == 3 }
        #expect(exchange.observed.value.openCount == 1)
        try await exchange.inject(.stall(answeringPings: false))
        #expect(try await log.closed == .lost)
        await exchange.stop()
    }

    @Test(
        "A peer that asks is answered with its own bytes, and what is no WebSocket ends the connection",
        .timeLimit(.minutes(5)))
    func asked() async throws {
        let session = Session.seeded(frameCount: 5)
        let exchange = try await ExchangeServer.start(session: session)
        let client = try Client(exchange.webSocketURL)
        async let log = client.run(until: 99, sending: subscription(session))
        try await exchange.observed.wait { !$0.subscriptions.isEmpty }
        try await exchange.inject(.wireBytes([0x89, 2, 7, 9]))
        try await exchange.observed.wait { $0.connections[0].pongs == [[7, 9]] }
        try await exchange.inject(.wireBytes([0xFF, 0xFF]))
        #expect(try await log.closed == .violation("a frame of an unknown kind"))
        #expect(try await log.messages == session.frames().map(\.bytes))
        await exchange.stop()
    }

    @Test(
        "Frames right behind the answer are taken, and a goodbye is answered with its code", .timeLimit(.minutes(5)))
    func behindTheAnswer() async throws {
        let server = try RawServer()
        async let sent = server.serve { peer in
            let frames: [UInt8] = [0x82, 3, 1, 2, 3, 0x02, 1, 4, 0x80, 1, 5, 0x88, 5, 15, 160, 98, 121, 101]
            try peer.send(Array(peer.opening.utf8) + frames)
            return peer.receivedToTheEnd()
        }
        let log = try await Client("ws://127.0.0.1:\(server.port)/").run(until: 99, sending: "hello")
        #expect(log.messages == [[1, 2, 3], [4, 5]])
        #expect(log.closed == .closedByPeer(code: 4_000, reason: "bye"))
        #expect(unmasked(try await sent) == [[0x81] + Array("hello".utf8), [0x88, 15, 160]])
    }

    @Test("A ping is answered also while data comes faster than it can be read", .timeLimit(.minutes(5)))
    func flood() async throws {
        let server = try RawServer()
        async let sent = server.serve { peer in
            try peer.send(Array(peer.opening.utf8) + [0x89, 2, 7, 9])
            let message: [UInt8] = [0x82, 125] + [UInt8](repeating: 0, count: 125)
            let flood = Array(repeatElement(message, count: 500).joined())
            // Far more than the kernel keeps, so the client has to have read most of it.
            var bytes: [UInt8] = []
            for _ in 0..<1_000 where bytes.count < 14 {
                try peer.send(flood)
                bytes += peer.received()
            }
            return bytes
        }
        let log = try await Client("ws://127.0.0.1:\(server.port)/").run(until: .max, sending: "")
        #expect(unmasked(try await sent) == [[0x81], [0x8A, 7, 9]])
        #expect(log.closed == .lost)
    }

    @Test(
        "An answer that opens no WebSocket is refused, with the reason", .timeLimit(.minutes(5)),
        arguments: [
            ("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x", "the answer is not one to this request"),
            ("Upgrade: websocket", "Upgrade: h2c", "the answer is no upgrade to a WebSocket"),
            ("101 Switching Protocols", "429 Too Many Requests", "the answer is HTTP 429"),
            ("Upgrade: websocket", "Content-Length: 0\r\nUpgrade: websocket", unasked),
            ("Upgrade: websocket", "Transfer-Encoding: chunked\r\nUpgrade: websocket", unasked),
            ("Upgrade: websocket", "Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade: websocket", unasked),
            ("Upgrade: websocket", "Sec-WebSocket-Protocol: chat\r\nUpgrade: websocket", unasked),
        ])
    func unwilling(_ proper: String, _ instead: String, _ reason: String) async throws {
        let server = try RawServer()
        async let sent = server.serve { peer in
            try peer.send(Array(peer.opening.replacing(proper, with: instead, maxReplacements: 1).utf8))
            return peer.receivedToTheEnd()
        }
        let log = try await Client("ws://127.0.0.1:\(server.port)/").run(until: 1, sending: "hello")
        #expect(log.closed == .failed(reason))
        #expect(try await sent == [])
    }

    @Test("A refused, a silent and an unwilling peer are failures", .timeLimit(.minutes(5)), arguments: [0, 1])
    func failures(_ kind: Int) async throws {
        let exchange = try await ExchangeServer.start()
        try await exchange.setDoor([.refusing, .status(503)][kind])
        let client = try Client(exchange.webSocketURL)
        let log = try await client.run(until: 1, sending: "")
        guard case .failed = log.closed else { return #expect(Bool(false), "\(log)") }
        await exchange.stop()
    }

    @Test(
        "A peer that takes the connection and does not go on is given up in time", .timeLimit(.minutes(5)),
        arguments: [0, 1])
    func silent(_ kind: Int) async throws {
        let authority = try TestAuthority()
        let exchange = try await ExchangeServer.start(settings: ExchangeSettings(certificate: try authority.server()))
        try await exchange.setDoor([.silent, .silentHTTP][kind])
        let client = try Client(
            exchange.webSocketURL, authority: authority.authorityPath, openingTime: .milliseconds(300))
        #expect(try await client.run(until: 1, sending: "").closed == .failed("not open within 0.3 seconds"))
        await exchange.stop()
    }

    @Test("A network that drops packets is given up in time", .timeLimit(.minutes(5)))
    func blackHole() async throws {
        let hole = try BlackHole()
        let client = try Client("ws://127.0.0.1:\(hole.port)/", openingTime: .milliseconds(300))
        #expect(try await client.run(until: 1, sending: "").closed == .failed("not open within 0.3 seconds"))
    }

    @Test("A GET brings status and body, also through TLS and in chunks", .timeLimit(.minutes(5)))
    func get() async throws {
        let authority = try TestAuthority()
        let exchange = try await ExchangeServer.start(settings: ExchangeSettings(certificate: try authority.server()))
        let response = try await fetch("\(exchange.restURL)/v1/market/all", authority: authority.authorityPath)
        #expect(response.status == 200 && response.body.first == UInt8(ascii: "["))
        try await exchange.failRest(.status(429))
        #expect(try await fetch("\(exchange.restURL)/v1/market/all", authority: authority.authorityPath).status == 429)
        try await exchange.failRest(.hang)
        await #expect(throws: WebSocketError.self) {
            try await fetch(
                "\(exchange.restURL)/v1/market/all", authority: authority.authorityPath, timeout: .milliseconds(300))
        }
        await exchange.stop()
    }

    @Test("A body beyond the limit, and an authority that is not trusted, are failures", .timeLimit(.minutes(5)))
    func getRefused() async throws {
        let authority = try TestAuthority()
        let exchange = try await ExchangeServer.start(settings: ExchangeSettings(certificate: try authority.server()))
        await #expect(throws: WebSocketError("the answer is larger than 100 bytes")) {
            try await fetch("\(exchange.restURL)/v1/market/all", authority: authority.authorityPath, limitBytes: 100)
        }
        await #expect(throws: WebSocketError.self) {
            try await fetch("\(exchange.restURL)/v1/market/all", authority: nil)
        }
        await exchange.stop()
    }

    private func subscription(_ session: Session) -> String {
        let codes = session.markets.map { "\"\($0.code)\"" }.joined(separator: ",")
        return #"[{"ticket":"t"},{"type":"ticker","codes":[\#(codes)],"is_only_realtime":true}]"#
    }

    private func fetch(
        _ url: String, authority: String?, limitBytes: Int = 1 << 20, timeout: Duration = .seconds(60)
    ) async throws -> WebSocket.HTTPRequest.Response {
        let loop = try EventLoop(certificateAuthorityFile: authority)
        let endpoint = try endpointOf(url)
        let result = try await DedicatedThread(name: "get").run {
            let answer = Mutex<Result<WebSocket.HTTPRequest.Response, WebSocketError>?>(nil)
            let request = WebSocket.HTTPRequest(loop, get: endpoint, limitBytes: limitBytes, timeout: timeout) {
                result in
                answer.withLock { $0 = result }
                loop.stop()
            }
            try loop.run {}
            return withExtendedLifetime(request) { answer.withLock { $0 } }
        }
        return try #require(result).get()
    }
}

/// A client that collects what arrives, on a thread of its own.
private final class Client: WebSocketDelegate, @unchecked Sendable {
    struct Log {
        var messages: [[UInt8]] = []
        /// Messages that came although reading was paused.
        var whilePaused = 0
        var closed: WebSocketConnection.CloseReason?
    }

    private let loop: EventLoop
    private let endpoint: WebSocket.Endpoint
    private let pausingAt: Int
    private let openingTime: Duration
    private let pingSeconds: Int
    private var log = Log()
    private var wanted = 0
    private var greeting = ""
    private var isPaused = false
    private var timer: LoopTimer?

    init(
        _ url: String, authority: String? = nil, pausingAt: Int = .max, openingTime: Duration = .seconds(60),
        pingSeconds: Int = 30
    ) throws {
        loop = try EventLoop(certificateAuthorityFile: authority)
        endpoint = try endpointOf(url)
        self.pausingAt = pausingAt
        self.openingTime = openingTime
        self.pingSeconds = pingSeconds
    }

    /// Connects, sends `greeting`, and returns when so many messages came, the connection ended, or the test
    /// gave up.
    func run(until wanted: Int, sending greeting: String) async throws -> Log {
        try await withTaskCancellationHandler {
            try await DedicatedThread(name: "client").run { [self] in
                self.wanted = wanted
                self.greeting = greeting
                let connection = WebSocketConnection(
                    loop, to: endpoint,
                    limits: .init(messageBytes: 1_000_000, pingSeconds: pingSeconds, openingTime: openingTime),
                    delegate: self)
                try loop.run {}
                return withExtendedLifetime(connection) { log }
            }
        } onCancel: {
            loop.stop()
        }
    }

    func webSocketDidOpen(_ connection: WebSocketConnection) { connection.send(greeting) }

    func webSocket(_ connection: WebSocketConnection, didReceive message: UnsafeRawBufferPointer) {
        log.messages.append(Array(message))
        if isPaused { log.whilePaused += 1 }
        if log.messages.count == pausingAt {
            isPaused = true
            connection.pauseReading()
            timer = loop.schedule(after: .milliseconds(300)) { [self] in
                isPaused = false
                connection.resumeReading()
            }
        }
        if log.messages.count == wanted { loop.stop() }
    }

    func webSocket(_ connection: WebSocketConnection, didClose reason: WebSocketConnection.CloseReason) {
        log.closed = reason
        loop.stop()
    }
}

/// Spelled with its module, since TestSupport has an `Endpoint` too.
private func endpointOf(_ url: String) throws -> WebSocket.Endpoint {
    let endpoint = WebSocket.Endpoint(url)
    return try #require(endpoint)
}

private let unasked = "the answer has an extension, a subprotocol or a length that nobody asked for"

/// The first byte and the payload of each of a client's frames, which are short here.
private func unmasked(_ bytes: [UInt8]) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    var rest = bytes[...]
    while rest.count >= 6 {
        let frame = Array(rest.prefix(6 + Int(rest[rest.startIndex + 1] & 0x7F)))
        frames.append([frame[0]] + frame[6...].enumerated().map { $0.element ^ frame[2 + $0.offset % 4] })
        rest = rest.dropFirst(frame.count)
    }
    return frames
}
