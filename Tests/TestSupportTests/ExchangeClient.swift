import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import TestSupport

/// A client that shares no code with the server: it speaks HTTP and WebSocket by hand, so it can break
/// rules and sees every fragment as it came.
final class ExchangeClient: Sendable {
    struct Frame: Sendable, Equatable {
        let opcode: UInt8
        let isFinal: Bool
        let payload: [UInt8]

        var text: String { String(decoding: payload, as: UTF8.self) }
    }

    struct State: Sendable {
        var status: Int?
        var body: [UInt8] = []
        var frames: [Frame] = []
        var frameCount = 0
        var isClosed = false
        var error: String?

        var dataFrames: [Frame] { frames.filter { $0.opcode < 8 } }
        var closeCode: UInt16? {
            frames.first { $0.opcode == 8 && $0.payload.count >= 2 }.map {
                UInt16($0.payload[0]) << 8 | UInt16($0.payload[1])
            }
        }
    }

    let state: WatchedValue<State>
    private let channel: any Channel

    /// Opens a WebSocket; returns when the upgrade was answered, whichever way.
    static func open(
        _ server: ExchangeServer, trusting authority: TestAuthority? = nil, headers: String = "",
        keepsFrames: Bool = true
    ) async throws -> ExchangeClient {
        let client = try await connect(server, trusting: authority, keepsFrames: keepsFrames)
        client.write(
            "GET /websocket/v1 HTTP/1.1\r\nHost: localhost:\(server.port)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\(headers)\r\n")
        try await client.state.wait { $0.status != nil || $0.isClosed }
        return client
    }

    /// The answer to a request for a path.
    static func get(_ path: String, _ server: ExchangeServer) async throws -> (status: Int, body: String) {
        let client = try await connect(server)
        client.write("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        let state = try await client.state.wait { $0.isClosed }
        return (state.status ?? 0, String(decoding: state.body, as: UTF8.self))
    }

    static func connect(
        _ server: ExchangeServer, trusting authority: TestAuthority? = nil, keepsFrames: Bool = true,
        host: String = "127.0.0.1"
    ) async throws -> ExchangeClient {
        let tls = try authority.map { authority in
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .file(authority.authorityPath)
            return try NIOSSLContext(configuration: configuration)
        }
        let watched = WatchedValue(State())
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
                    }
                    try pipeline.addHandler(Reader(watched, keepsFrames: keepsFrames))
                }
            }
            .connect(host: host, port: server.port).get()
        return ExchangeClient(watched, channel)
    }

    private init(_ state: WatchedValue<State>, _ channel: any Channel) {
        self.channel = channel
        self.state = state
    }

    func write(_ text: String) { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }

    /// Sends a frame, masked as RFC 6455 asks of a client.
    func send(_ text: String, opcode: UInt8 = 1, isFinal: Bool = true, isMasked: Bool = true) {
        let payload = Array(text.utf8)
        var bytes: [UInt8] = [opcode | (isFinal ? 0x80 : 0)]
        let mask: [UInt8] = isMasked ? [0x12, 0x34, 0x56, 0x78] : [0, 0, 0, 0]
        let bit: UInt8 = isMasked ? 0x80 : 0
        if payload.count < 126 {
            bytes.append(bit | UInt8(payload.count))
        } else {
            bytes += [bit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        }
        if isMasked { bytes += mask }
        bytes += payload.enumerated().map { $0.element ^ mask[$0.offset % 4] }
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    func subscribe(
        _ codes: [String], _ more: String = #","is_only_realtime":true"#, format: String = "DEFAULT",
        ticket: String = "t"
    ) {
        let list = codes.map { "\"\($0)\"" }.joined(separator: ",")
        send(#"[{"ticket":"\#(ticket)"},{"type":"ticker","codes":[\#(list)]\#(more)},{"format":"\#(format)"}]"#)
    }

    func subscribe(_ session: Session, _ more: String = #","is_only_realtime":true"#, ticket: String = "t") {
        subscribe(session.markets.map(\.code), more, ticket: ticket)
    }

    /// Stops or goes on taking bytes from the socket.
    func setReading(_ isReading: Bool) async throws {
        try await channel.setOption(ChannelOptions.autoRead, value: isReading).get()
        if isReading { channel.read() }
    }

    func close() async { try? await channel.close() }
}

/// Takes the bytes apart: the HTTP answer, then frames.
private final class Reader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let state: WatchedValue<ExchangeClient.State>
    private let keepsFrames: Bool
    private var bytes = ByteBuffer()
    private var status: Int?

    init(_ state: WatchedValue<ExchangeClient.State>, keepsFrames: Bool) {
        self.state = state
        self.keepsFrames = keepsFrames
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes.writeImmutableBuffer(unwrapInboundIn(data))
        if status == nil { readHead() }
        if status == 101 { readFrames(context) } else if status != nil { readBody() }
        bytes.discardReadBytes()
    }

    private func readHead() {
        let view = bytes.readableBytesView
        guard let end = view.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
        let head = String(decoding: view[..<end.lowerBound], as: UTF8.self)
        bytes.moveReaderIndex(forwardBy: end.upperBound - view.startIndex)
        let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        self.status = status
        state.update { $0.status = status }
    }

    private func readBody() {
        let body = bytes.readBytes(length: bytes.readableBytes) ?? []
        state.update { $0.body += body }
    }

    private func readFrames(_ context: ChannelHandlerContext) {
        var frames: [ExchangeClient.Frame] = []
        var count = 0
        while let frame = readFrame() {
            count += 1
            if keepsFrames || frame.opcode >= 8 { frames.append(frame) }
            if frame.opcode == 8 { answerClose(context) }
        }
        guard count > 0 else { return }
        state.update {
            $0.frames += frames
            $0.frameCount += count
        }
    }

    private func readFrame() -> ExchangeClient.Frame? {
        let start = bytes.readerIndex
        guard bytes.readableBytes >= 2, let first: UInt8 = bytes.getInteger(at: start),
            let second: UInt8 = bytes.getInteger(at: start + 1)
        else { return nil }
        var header = 2
        var length = Int(second & 0x7F)
        if length == 126 {
            guard let long: UInt16 = bytes.getInteger(at: start + 2) else { return nil }
            (length, header) = (Int(long), 4)
        } else if length == 127 {
            guard let long: UInt64 = bytes.getInteger(at: start + 2) else { return nil }
            (length, header) = (Int(long), 10)
        }
        guard bytes.readableBytes >= header + length else { return nil }
        bytes.moveReaderIndex(forwardBy: header)
        let payload = keepsFrames || first & 0x0F >= 8 ? bytes.getBytes(at: bytes.readerIndex, length: length) : []
        bytes.moveReaderIndex(forwardBy: length)
        return .init(opcode: first & 0x0F, isFinal: first & 0x80 != 0, payload: payload ?? [])
    }

    /// Answers the server's close, as RFC 6455 asks: a masked close frame without a code.
    private func answerClose(_ context: ChannelHandlerContext) {
        context.writeAndFlush(NIOAny(ByteBuffer(bytes: [0x88, 0x80, 0, 0, 0, 0])), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { state.update { $0.isClosed = true } }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        state.update { $0.error = $0.error ?? "\(error)" }
        context.close(promise: nil)
    }
}

/// Starts an exchange, hands it to `body`, and stops it whatever happens.
func withExchange<Result>(
    _ session: Session = .seeded(frameCount: 200), _ playback: Playback = Playback(),
    _ settings: ExchangeSettings = ExchangeSettings(), _ body: (ExchangeServer) async throws -> Result
) async throws -> Result {
    let server = try await ExchangeServer.start(session: session, playback: playback, settings: settings)
    do {
        let result = try await body(server)
        await server.stop()
        return result
    } catch {
        await server.stop()
        throw error
    }
}

extension String {
    /// The text behind `"name":` in a frame, without quotes.
    func field(_ name: String) -> String {
        guard let range = range(of: "\"\(name)\":") else { return "" }
        let rest = self[range.upperBound...]
        if rest.first == "\"" { return String(rest.dropFirst().prefix { $0 != "\"" }) }
        return String(rest.prefix { $0 != "," && $0 != "}" })
    }
}
