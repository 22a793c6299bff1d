import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket

/// The listening sockets, and what is built on each connection that they accept.
final class ExchangeListeners {
    let loop: any EventLoop
    private let core: ExchangeCore
    private let tls: NIOSSLContext?
    private let listeners: PortListeners

    var isOpen: Bool { listeners.isOpen }

    init(core: ExchangeCore, group: MultiThreadedEventLoopGroup, tls: NIOSSLContext?, reservation: PortReservation) {
        self.core = core
        self.tls = tls
        loop = core.loop
        listeners = PortListeners(reservation, group: group, loop: core.loop)
    }

    /// Listens on the reserved port.
    func open() -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(self, eventLoop: loop)
        return listeners.open { bootstrap in
            bootstrap
                .childChannelOption(.writeBufferWaterMark, value: .init(low: 256 * 1_024, high: 1 << 20))
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try bound.value.build(channel) }
                }
        }
    }

    func close() -> EventLoopFuture<Void> { listeners.close() }

    private func build(_ channel: any Channel) throws {
        core.accepted(channel)
        if case .silent = core.door { return }
        let pipeline = channel.pipeline.syncOperations
        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
        let rest = RestHandler(core: core)
        try pipeline.configureHTTPServerPipeline(
            withServerUpgrade: (upgraders: [upgrader(rest)], completionHandler: { _ in }))
        try pipeline.addHandler(rest)
    }

    private func upgrader(_ rest: RestHandler) -> NIOWebSocketServerUpgrader {
        let bound = NIOLoopBound((core: core, rest: rest), eventLoop: loop)
        return NIOWebSocketServerUpgrader(
            maxFrameSize: 1 << 20,
            shouldUpgrade: { channel, head in
                let (core, rest) = bound.value
                rest.refusal = core.refusal(of: head)
                var isSilent = false
                if case .silentHTTP = core.door { isSilent = true }
                let accepts = rest.refusal == nil && !isSilent
                return channel.eventLoop.makeSucceededFuture(accepts ? HTTPHeaders() : nil)
            },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    let (core, rest) = bound.value
                    let pipeline = channel.pipeline.syncOperations
                    let connection = try core.opened(channel, head)
                    try pipeline.addHandler(WebSocketHandler(core: core, connection: connection))
                    pipeline.removeHandler(rest, promise: nil)
                }
            })
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
