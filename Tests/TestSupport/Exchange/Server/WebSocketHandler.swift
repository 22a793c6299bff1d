import NIOCore
import NIOWebSocket

/// Reads a client's frames: control frames are answered here, messages go to the exchange.
final class WebSocketHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    private let core: ExchangeCore
    private let connection: ExchangeConnection

    /// A message longer than this is no subscribe.
    private static let messageLimit = 1 << 20

    init(core: ExchangeCore, connection: ExchangeConnection) {
        self.core = core
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        guard !connection.isClosing else {
            if frame.opcode == .connectionClose { connection.endAfterFlush() }
            return
        }
        connection.noteActivity()
        // RFC 6455, section 5.1: a server ends a connection whose client does not mask.
        guard frame.maskKey != nil else { return connection.close(code: 1_002) }
        let payload = Array(frame.unmaskedData.readableBytesView)
        switch frame.opcode {
        case .text, .binary, .continuation: read(payload, frame)
        case .ping: answerPing(payload)
        case .pong: core.observed.update { $0.connections[connection.id].pongs.append(payload) }
        case .connectionClose: close(payload)
        default: break
        }
    }

    private func read(_ payload: [UInt8], _ frame: WebSocketFrame) {
        if frame.opcode != .continuation { connection.message = [] }
        connection.message += payload
        guard connection.message.count <= Self.messageLimit else { return connection.close(code: 1_009) }
        guard frame.fin else { return }
        let message = connection.message
        connection.message = []
        core.received(message, on: connection)
    }

    private func answerPing(_ payload: [UInt8]) {
        if connection.answersPings { connection.send(payload, opcode: .pong) }
        core.observed.update { $0.connections[connection.id].pingCount += 1 }
    }

    private func close(_ payload: [UInt8]) {
        let code = payload.count >= 2 ? UInt16(payload[0]) << 8 | UInt16(payload[1]) : 1_005
        core.observed.update { $0.connections[connection.id].closeCode = code }
        connection.close(code: code == 1_005 ? 1_000 : code, isAnswer: true)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { core.player.pump() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        core.closed(connection)
        context.fireChannelInactive()
    }

    /// A client that ends without farewell is no error of ours.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
