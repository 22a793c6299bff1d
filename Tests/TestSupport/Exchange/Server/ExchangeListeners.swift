import Foundation
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
    private var channels: [any Channel] = []

    var isOpen: Bool { !channels.isEmpty }

    init(core: ExchangeCore, group: MultiThreadedEventLoopGroup, tls: NIOSSLContext?) {
        self.core = core
        self.group = group
        self.tls = tls
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

    /// Binds 127.0.0.1, then the same port of ::1 where there is one. Returns the port.
    ///
    /// - Parameter attempts: how often another free port is tried when a stranger has it on ::1; a client
    ///   of `localhost` could meet the stranger.
    func open(port: Int, attempts: Int = 10) -> EventLoopFuture<Int> {
        let bound = NIOLoopBound(self, eventLoop: loop)
        return bind("127.0.0.1", port).flatMap { channel in
            let actual = channel.localAddress?.port ?? 0
            bound.value.channels = [channel]
            return bound.value.bind("::1", actual)
                .map { second in
                    bound.value.channels.append(second)
                    return actual
                }
                .flatMapError { error in
                    let isTaken = (error as? IOError)?.errnoCode == EADDRINUSE
                    // Without IPv6, IPv4 alone will do: clients try both.
                    guard isTaken, port == 0, attempts > 1 else { return channel.eventLoop.makeSucceededFuture(actual) }
                    return bound.value.close().flatMap { bound.value.open(port: 0, attempts: attempts - 1) }
                }
        }
    }

    func close() -> EventLoopFuture<Void> {
        let closing = channels.map { $0.close() }
        channels = []
        return EventLoopFuture.andAllComplete(closing, on: loop)
    }

    private func bind(_ host: String, _ port: Int) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound(self, eventLoop: loop)
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 256 * 1_024, high: 1 << 20))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.build(channel) }
            }
            .bind(host: host, port: port)
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
