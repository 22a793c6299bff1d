import Dispatch
import Glibc
import Runtime
import Synchronization
import TestSupport
import Testing

@testable import WebSocket

/// The end of a connection at the moment at which the peer says something: libwebsockets hears the peer first, and may forget the end.
@Suite struct EndingTests {
    @Test("Who answers as the time to open is over comes too late: the connection ends", .timeLimit(.minutes(5)))
    func answerInTheLastMoment() async throws {
        let server = try RawServer()
        let client = try BusyClient(port: server.port, openingTime: .milliseconds(200))
        async let serving: Void = server.serve { peer in
            client.wake()
            client.mayAnswer.wait()
            try peer.send(Array(peer.opening.utf8))
            client.isAnswered.signal()
            _ = peer.receivedToTheEnd()
        }
        let log = try await client.run { _ in
            client.mayAnswer.signal()
            client.isAnswered.wait()
            // Nobody looks at the socket before the time is over.
            usleep(300_000)
        }
        #expect(!log.isOpen && log.closed == .failed("not open within 0.2 seconds"))
        try await serving
    }

    @Test("Who is given up while data comes ends, too", .timeLimit(.minutes(5)))
    func dataInTheLastMoment() async throws {
        let server = try RawServer()
        let client = try BusyClient(port: server.port, openingTime: .seconds(60))
        async let serving: Bool = server.serve { peer in
            try peer.send(Array(peer.opening.utf8))
            client.mayAnswer.wait()
            client.wake()
            let frame: [UInt8] = [0x81, 1, UInt8(ascii: "a")]
            try peer.send(frame)
            client.isAnswered.signal()
            // A client that is still there takes all of them.
            do { for _ in 0..<1_000 { try peer.send(frame); usleep(10_000) } } catch { return true }
            return false
        }
        let log = try await client.run { connection in
            client.isAnswered.wait()
            connection.abort("stalled")
        }
        #expect(log.isOpen && log.closed == .aborted("stalled"))
        #expect(try await serving)
    }
}

/// A client whose loop a test keeps busy.
private final class BusyClient: WebSocketDelegate, @unchecked Sendable {
    struct Log {
        var isOpen = false
        var closed: WebSocketConnection.CloseReason?
    }

    let mayAnswer = DispatchSemaphore(value: 0)
    let isAnswered = DispatchSemaphore(value: 0)
    private let isAsked = Atomic(false)
    private let loop: EventLoop
    private let endpoint: WebSocket.Endpoint
    private let openingTime: Duration
    private var log = Log()

    init(port: UInt16, openingTime: Duration) throws {
        loop = try EventLoop(certificateAuthorityFile: nil)
        guard let endpoint = WebSocket.Endpoint("ws://127.0.0.1:\(port)/") else { throw SetupError("no endpoint") }
        self.endpoint = endpoint
        self.openingTime = openingTime
    }

    /// Lets the loop do its work.
    func wake() {
        isAsked.store(true, ordering: .releasing)
        loop.wake()
    }

    /// Runs until the connection has ended; does `work` on the loop's thread after ``wake()``.
    func run(_ work: @escaping @Sendable (WebSocketConnection) -> Void) async throws -> Log {
        try await DedicatedThread(name: "client").run { [self] in
            let connection = WebSocketConnection(
                loop, to: endpoint, limits: .init(messageBytes: 1_000, pingSeconds: 30, openingTime: openingTime),
                delegate: self)
            // The loop also wakes up when nobody asked.
            try loop.run { if self.isAsked.exchange(false, ordering: .acquiring) { work(connection) } }
            return withExtendedLifetime(connection) { log }
        }
    }

    func webSocketDidOpen(_ connection: WebSocketConnection) {
        log.isOpen = true
        mayAnswer.signal()
    }

    func webSocket(_ connection: WebSocketConnection, didReceive message: UnsafeRawBufferPointer) {}

    func webSocket(_ connection: WebSocketConnection, didClose reason: WebSocketConnection.CloseReason) {
        log.closed = reason
        loop.stop()
    }
}
