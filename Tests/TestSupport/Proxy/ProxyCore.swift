import NIOCore
import NIOPosix
import NIOSSL

/// The state of a proxy. It lives on one event loop with all its connections, so it needs no lock.
final class ProxyCore {
    let loop: any EventLoop
    let observed: WatchedValue<FaultProxy.Observations>
    var speed = FaultProxy.Speed()
    var trap: FaultProxy.Trap? {
        didSet { for link in links.values { link.trapChanged() } }
    }
    private(set) var stalled: Set<FaultProxy.Direction> = []
    private let group: MultiThreadedEventLoopGroup
    private let target: SocketAddress
    private let tls: NIOSSLContext?
    private let listeners: PortListeners
    private var links: [ObjectIdentifier: ProxyLink] = [:]

    init(
        group: MultiThreadedEventLoopGroup, loop: any EventLoop, _ reservation: PortReservation,
        target: SocketAddress, tls: NIOSSLContext?, _ observed: WatchedValue<FaultProxy.Observations>
    ) {
        self.group = group
        self.loop = loop
        listeners = PortListeners(reservation, group: group, loop: loop)
        self.target = target
        self.tls = tls
        self.observed = observed
    }

    // MARK: Listening

    func open() -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(self, eventLoop: loop)
        return listeners.open { bootstrap in
            bootstrap
                // Nothing is read before there is somewhere to write it to.
                .childChannelOption(.autoRead, value: false)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try bound.value.accepted(channel) }
                }
        }
    }

    func close() -> EventLoopFuture<Void> { listeners.close() }

    // MARK: Connections

    private func accepted(_ client: any Channel) throws {
        let link = ProxyLink(client: client, core: self)
        if let tls { try client.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
        try client.pipeline.syncOperations.addHandler(ProxyHandler(link: link, source: .toTarget))
        links[ObjectIdentifier(link)] = link
        observed.update {
            $0.acceptedCount += 1
            $0.openCount += 1
        }
        // A network that drops packets brings nobody to the target either.
        if stalled.isEmpty { connect(link) }
    }

    private func connect(_ link: ProxyLink) {
        let bound = NIOLoopBound((self, link), eventLoop: loop)
        link.isConnecting = true
        ClientBootstrap(group: group)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ProxyHandler(link: bound.value.1, source: .toClient)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(to: target)
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let channel): bound.value.1.connected(to: channel)
                case .failure: bound.value.1.cut(.reset)
                }
            }
    }

    func ended(_ link: ProxyLink) {
        guard links.removeValue(forKey: ObjectIdentifier(link)) != nil else { return }
        observed.update { $0.openCount -= 1 }
    }

    // MARK: Faults

    func cut(_ ending: FaultProxy.Ending) {
        for link in links.values { link.cut(ending) }
    }

    func stall(_ directions: [FaultProxy.Direction]) {
        stalled.formUnion(directions)
        for link in links.values { link.pump() }
    }

    /// Whoever tried to connect during the stall is let in when the kernel would ask again.
    private func connectLater(_ link: ProxyLink) {
        let bound = NIOLoopBound((self, link), eventLoop: loop)
        loop.scheduleTask(deadline: FaultProxy.nextRequest(at: .now(), since: link.acceptedAt)) {
            let (core, link) = bound.value
            // It may have been given up, or caught by the next stall.
            guard core.links[ObjectIdentifier(link)] != nil, !link.isConnecting, core.stalled.isEmpty else { return }
            core.connect(link)
        }
    }

    func recover(_ recovery: FaultProxy.Recovery) {
        let wasStalled = !stalled.isEmpty
        stalled = []
        for link in links.values {
            if !link.isConnecting {
                if case .forgetting = recovery { connectLater(link) } else { connect(link) }
            } else if wasStalled, case .forgetting = recovery {
                link.isForgotten = true
            } else {
                link.pump()
            }
        }
    }
}

extension FaultProxy {
    /// When a connection that was asked for at `start` is asked for again: Linux repeats a SYN after 1 s, and each
    /// further one after twice as long (tcp(7), `tcp_syn_retries`).
    static func nextRequest(at now: NIODeadline, since start: NIODeadline) -> NIODeadline {
        var wait = TimeAmount.seconds(1)
        var time = start + wait
        while time < now {
            wait = wait * 2
            time = time + wait
        }
        return time
    }
}
