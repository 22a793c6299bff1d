import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket

/// The listening sockets, and what is built on each connection that they accept.
final class ExchangeListeners {
    let loop: any EventLoop
    private let core: ExchangeCore
    private let group: MultiThreadedEventLoopGroup
    private let tls: NIOSSLContext?
    private let reservation: PortReservation
    private var channels: [any Channel] = []

    var isOpen: Bool { !channels.isEmpty }

    init(core: ExchangeCore, group: MultiThreadedEventLoopGroup, tls: NIOSSLContext?, reservation: PortReservation) {
        self.core = core
        self.group = group
        self.tls = tls
        self.reservation = reservation
        loop = core.loop
    }

    static func context(for certificate: TestAuthority.Certificate) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(certificate.certificatePath)
        let key = try NIOSSLPrivateKey(file: certificate.keyPath, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        return try NIOSSLContext(configuration: configuration)
    }

    /// Listens on the reserved port.
    func open() -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(self, eventLoop: loop)
        let opened = reservation.hosts.map { host in
            bind(host).map { bound.value.channels.append($0) }
        }
        return EventLoopFuture.andAllSucceed(opened, on: loop)
    }

    func close() -> EventLoopFuture<Void> {
        let closing = channels.map { $0.close() }
        channels = []
        return EventLoopFuture.andAllComplete(closing, on: loop)
    }

    private func bind(_ host: String) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound(self, eventLoop: loop)
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 256 * 1_024, high: 1 << 20))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.build(channel) }
            }
            .bind(host: host, port: reservation.port)
    }

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
