import Foundation
import NIOCore
import NIOSSL
import NIOWebSocket

/// One open WebSocket. Everything here happens on the exchange's event loop.
///
/// Frames are put together here, not by NIO's encoder: many go into one buffer and so into one TLS
/// record, and the exchange must be able to send what no encoder would.
final class ExchangeConnection {
    let id: Int
    let channel: any Channel
    /// The place in the pipeline from where bytes go out as they are, past NIO's frame encoder.
    private let wire: ChannelHandlerContext

    var subscription: SubscriptionRequest.Subscription?
    /// By the index of the market in the session.
    var wanted: [Bool] = []
    var isSilent = false
    var answersPings = true
    var isClosing = false
    var sendsStatus = false
    /// Fragments of a message that is not complete yet.
    var message: [UInt8] = []
    var limit: MessageLimit
    private(set) var lastActivity = NIODeadline.now()
    private var pending: ByteBuffer
    private var flushed: EventLoopFuture<Void>

    init(id: Int, channel: any Channel, settings: ExchangeSettings) throws {
        self.id = id
        self.channel = channel
        wire = try channel.pipeline.syncOperations.context(handlerType: WebSocketFrameEncoder.self)
        limit = MessageLimit(perSecond: settings.messagesPerSecond, perMinute: settings.messagesPerMinute)
        pending = channel.allocator.buffer(capacity: 96 * 1_024)
        flushed = channel.eventLoop.makeSucceededVoidFuture()
    }

    /// Frames of the session are for it: open, subscribed and not stalled.
    var isListening: Bool {
        guard let subscription else { return false }
        return !isClosing && !isSilent && !subscription.isOnlySnapshot && channel.isActive
    }

    var isWritable: Bool { channel.isWritable }

    func noteActivity() { lastActivity = .now() }

    /// Puts a frame behind what waits to be sent; ``flush()`` sends it.
    func append(_ payload: some Collection<UInt8>, opcode: WebSocketOpcode = .binary, isFinal: Bool = true) {
        pending.writeInteger(UInt8(opcode) | (isFinal ? 0x80 : 0))
        switch payload.count {
        case ..<126: pending.writeInteger(UInt8(payload.count))
        case ..<65_536:
            pending.writeInteger(UInt8(126))
            pending.writeInteger(UInt16(payload.count))
        default:
            pending.writeInteger(UInt8(127))
            pending.writeInteger(UInt64(payload.count))
        }
        pending.writeBytes(payload)
        if pending.readableBytes > 64 * 1_024 { flush() }
    }

    func append(wireBytes: [UInt8]) { pending.writeBytes(wireBytes) }

    func send(_ payload: some Collection<UInt8>, opcode: WebSocketOpcode = .binary) {
        append(payload, opcode: opcode)
        flush()
    }

    /// Sends what waits; the result is fulfilled when all of it went to the operating system.
    @discardableResult
    func flush() -> EventLoopFuture<Void> {
        guard pending.readableBytes > 0 else { return flushed }
        noteActivity()
        let promise = channel.eventLoop.makePromise(of: Void.self)
        wire.writeAndFlush(NIOAny(pending), promise: promise)
        // The socket keeps the bytes until they are sent, so this one needs a new buffer.
        pending = channel.allocator.buffer(capacity: 96 * 1_024)
        flushed = promise.futureResult
        return flushed
    }

    /// A close frame, then the end: at once when the client said goodbye first, otherwise when it answers
    /// or after a second.
    func close(code: UInt16, isAnswer: Bool = false) {
        guard !isClosing else { return }
        isClosing = true
        send([UInt8(code >> 8), UInt8(code & 0xFF)], opcode: .connectionClose)
        guard !isAnswer else { return endAfterFlush() }
        channel.eventLoop.scheduleTask(in: .seconds(1)) { [channel] in channel.close(promise: nil) }
    }

    /// Ends the connection in order, TLS too, when all was sent.
    func endAfterFlush() {
        flush().assumeIsolated().whenComplete { [channel] _ in channel.close(promise: nil) }
    }

    /// The end without a close frame: FIN.
    func hangUp() {
        isClosing = true
        flush().assumeIsolated().whenComplete { [channel] _ in channel.closeSocket() }
    }

    /// The end by RST.
    func reset() {
        isClosing = true
        flush()
        channel.resetSocket()
    }
}

extension Channel {
    /// Closes below TLS, so that no farewell of TLS goes out or is waited for. On the event loop only.
    func closeSocket() {
        let tls = try? pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
        if let tls { tls.close(mode: .all, promise: nil) } else { close(promise: nil) }
    }

    /// Closes by RST: a socket that does not linger throws away what it has. On the event loop only.
    func resetSocket() {
        guard let socket = self as? any SocketOptionProvider else { return closeSocket() }
        socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).assumeIsolated().whenComplete { [self] _ in closeSocket() }
    }
}

extension UInt8 {
    fileprivate init(_ opcode: WebSocketOpcode) { self.init(webSocketOpcode: opcode) }
}
