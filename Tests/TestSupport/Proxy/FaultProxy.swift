import NIOCore
import NIOPosix

/// The bad network between two programs: a TCP proxy on 127.0.0.1 that cuts, refuses, stalls and slows
/// what goes through it.
///
/// Without a fault it passes every byte on and forgets nothing. Every call may come from any thread and
/// has taken effect when it returns. Call ``stop()`` at the end.
package final class FaultProxy: Sendable {
    package enum Direction: Sendable, CaseIterable { case toTarget, toClient }

    /// How a connection ends; both sides see the same.
    package enum Ending: Sendable {
        /// Closed in order: FIN.
        case finish
        /// RST, and what was on its way is gone.
        case reset
        /// Not at all: nothing passes any more, and nobody is told. It ends with a ``FaultProxy/cut(_:)``.
        case silence
    }

    /// What becomes of the connections that a stall held.
    package enum Recovery: Sendable {
        /// They go on, and what was held arrives late, as by TCP's own retransmission.
        case goingOn
        /// They stay silent for ever, while new ones work: the way of a router that forgot them. One that was
        /// asked for during the stall comes about when TCP asks again, seconds later.
        case forgetting
    }

    /// Cuts the connection on which some bytes pass, once.
    package struct Trap: Sendable {
        package enum Moment: Sendable {
            /// The bytes, and what is behind them, do not arrive.
            case beforeForwarding
            /// They arrive, with all that came along; no answer to them does.
            case afterForwarding
        }

        let bytes: [UInt8]
        let direction: Direction
        let moment: Moment
        let ending: Ending

        package init(_ text: String, _ direction: Direction, _ moment: Moment, ending: Ending = .reset) {
            bytes = Array(text.utf8)
            self.direction = direction
            self.moment = moment
            self.ending = ending
        }
    }

    /// How slow the network is.
    package struct Speed: Sendable {
        /// Of each connection and direction; nil is no limit.
        package var bytesPerSecond: Int?
        /// One way.
        package var latency: Duration

        package init(bytesPerSecond: Int? = nil, latency: Duration = .zero) {
            self.bytesPerSecond = bytesPerSecond
            self.latency = latency
        }
    }

    package struct Observations: Sendable {
        /// Connections, whatever became of them.
        package internal(set) var acceptedCount = 0
        package internal(set) var openCount = 0
        package internal(set) var bytesToTarget = 0
        package internal(set) var bytesToClient = 0
        /// Connections that a trap cut.
        package internal(set) var trappedCount = 0
    }

    /// Bytes that a direction of a connection holds back before its source is not read any more.
    package static let heldBytesLimit = 1 << 20

    /// Where clients connect to, on 127.0.0.1 and, where there is IPv6, ::1.
    package let port: Int
    package let observed: WatchedValue<Observations>
    private let group: MultiThreadedEventLoopGroup
    private let core: NIOLoopBound<ProxyCore>

    /// Opens a proxy on a free port; `targetPort` is of 127.0.0.1 and is connected to once a client.
    ///
    /// - Parameter certificate: with one, clients have to come by TLS, which ends here.
    package static func start(
        to targetPort: Int, certificate: TestAuthority.Certificate? = nil
    ) async throws -> FaultProxy {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.any()
        let observed = WatchedValue(Observations())
        do {
            let tls = try certificate.map { try $0.serverContext() }
            let target = try SocketAddress(ipAddress: "127.0.0.1", port: targetPort)
            let (port, core) = try await loop.submit {
                let reservation = try PortReservation()
                let core = ProxyCore(
                    group: group, loop: loop, reservation, target: target, tls: tls, observed)
                return (reservation.port, NIOLoopBound(core, eventLoop: loop))
            }.get()
            try await loop.flatSubmit { core.value.open() }.get()
            return FaultProxy(port: port, observed: observed, group: group, core: core)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private init(
        port: Int, observed: WatchedValue<Observations>, group: MultiThreadedEventLoopGroup,
        core: NIOLoopBound<ProxyCore>
    ) {
        self.port = port
        self.observed = observed
        self.group = group
        self.core = core
    }

    /// Ends all connections and frees the port.
    package func stop() async {
        try? await onLoop { $0.cut(.reset) }
        try? await group.any().flatSubmit { [core] in core.value.close() }.get()
        try? await group.shutdownGracefully()
    }

    // MARK: Faults

    /// Ends all connections; new ones are accepted.
    package func cut(_ ending: Ending) async throws { try await onLoop { $0.cut(ending) } }

    /// Cuts the first connection on which the trap's bytes pass from now on; nil disarms.
    package func set(_ trap: Trap?) async throws { try await onLoop { $0.trap = trap } }

    /// Whether connections are refused, as by a machine on which nobody listens. Open ones stay.
    package func setRefusing(_ isRefusing: Bool) async throws {
        try await group.any().flatSubmit { [core] in
            isRefusing ? core.value.close() : core.value.open()
        }.get()
    }

    /// Lets nothing pass any more, neither bytes nor the news of an end, until ``recover(_:)``: what a
    /// network does that drops all packets. (A new connection is accepted and then hears nothing.)
    package func stall(_ directions: Direction...) async throws {
        try await onLoop { $0.stall(directions.isEmpty ? Direction.allCases : directions) }
    }

    /// Ends the stall.
    package func recover(_ recovery: Recovery) async throws { try await onLoop { $0.recover(recovery) } }

    package func set(_ speed: Speed) async throws { try await onLoop { $0.speed = speed } }

    private func onLoop(_ body: @escaping @Sendable (ProxyCore) -> Void) async throws {
        try await group.any().submit { [core] in body(core.value) }.get()
    }
}
