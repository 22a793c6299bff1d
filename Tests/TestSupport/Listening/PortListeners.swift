import NIOCore
import NIOPosix

/// The listening sockets of a server that can refuse clients for a while and keeps its port meanwhile.
/// Lives on one event loop.
final class PortListeners {
    private let reservation: PortReservation
    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private var channels: [any Channel] = []

    var isOpen: Bool { !channels.isEmpty }

    init(_ reservation: PortReservation, group: MultiThreadedEventLoopGroup, loop: any EventLoop) {
        self.reservation = reservation
        self.group = group
        self.loop = loop
    }

    /// Listens on the reserved port, unless it does already.
    ///
    /// - Parameter configure: says what becomes of the connections that are accepted.
    func open(_ configure: (ServerBootstrap) -> ServerBootstrap) -> EventLoopFuture<Void> {
        guard !isOpen else { return loop.makeSucceededVoidFuture() }
        let bound = NIOLoopBound(self, eventLoop: loop)
        let opened = reservation.hosts.map { host in
            configure(bootstrap).bind(host: host, port: reservation.port).hop(to: loop)
                .map { bound.value.channels.append($0) }
        }
        return EventLoopFuture.andAllSucceed(opened, on: loop)
    }

    func close() -> EventLoopFuture<Void> {
        let closing = channels.map { $0.close() }
        channels = []
        return EventLoopFuture.andAllComplete(closing, on: loop)
    }

    private var bootstrap: ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
    }
}
