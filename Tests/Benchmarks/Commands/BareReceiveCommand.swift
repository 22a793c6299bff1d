import ArgumentParser
import TestSupport
import WebSocket

/// Receives a session and discards it: what libwebsockets and TLS alone can do.
struct BareReceiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bare-receive", shouldDisplay: false)

    @Argument var url: String
    @Argument var authority: String
    @Option var frames: Int

    func run() throws {
        guard let endpoint = Endpoint(url) else { throw ValidationError("'\(url)' is no URL") }
        let loop = try EventLoop(certificateAuthorityFile: authority)
        let receiver = Receiver(loop, frames: frames)
        let connection = WebSocketConnection(
            loop, to: endpoint, limits: .init(messageBytes: 1_000_000, pingSeconds: 30), delegate: receiver)
        try loop.run {}
        withExtendedLifetime(connection) {}
        guard let result = receiver.result else { throw SetupError("the session broke off: \(receiver.reason)") }
        try result.tell()
    }
}

private final class Receiver: WebSocketDelegate {
    private let loop: EventLoop
    private let frames: Int
    private var received = 0
    private var start = ContinuousClock.now
    private var usedBefore = 0.0
    private(set) var result: BareLoop?
    private(set) var reason = ""

    init(_ loop: EventLoop, frames: Int) {
        self.loop = loop
        self.frames = frames
    }

    func webSocketDidOpen(_ connection: WebSocketConnection) {
        let codes = Session.seeded(frameCount: 1).markets.map { #""\#($0.code)""# }.joined(separator: ",")
        connection.send(
            #"[{"ticket":"bare"},{"type":"ticker","codes":[\#(codes)],"is_only_realtime":true},{"format":"DEFAULT"}]"#)
    }

    func webSocket(_ connection: WebSocketConnection, didReceive message: UnsafeRawBufferPointer) {
        if received == 0 {
            start = .now
            usedBefore = ProcessUsage.ownCPUSeconds()
        }
        received += 1
        guard received == frames else { return }
        result = BareLoop(
            frames: frames, seconds: (ContinuousClock.now - start).inSeconds,
            cpuSeconds: ProcessUsage.ownCPUSeconds() - usedBefore)
        loop.stop()
    }

    func webSocket(_ connection: WebSocketConnection, didClose reason: WebSocketConnection.CloseReason) {
        self.reason = "\(reason)"
        loop.stop()
    }
}
