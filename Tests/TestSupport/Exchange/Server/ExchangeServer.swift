import NIOCore
import NIOPosix
import NIOSSL

/// An exchange that follows the real Upbit, on this machine: the market list over HTTP and tickers over
/// WebSocket, on one port of 127.0.0.1 and, where there is IPv6, ::1.
///
/// It plays a ``Session``, obeys the real one's rules, misbehaves when it is told to, and says what it
/// saw. Call ``stop()`` at the end.
package final class ExchangeServer: Sendable {
    package let port: Int
    package let isSecure: Bool
    /// What it saw so far; wait for a change by ``WatchedValue/wait(within:for:)``.
    package let observed: WatchedValue<ExchangeObservations>

    private let group: MultiThreadedEventLoopGroup
    private let core: NIOLoopBound<ExchangeCore>
    private let listeners: NIOLoopBound<ExchangeListeners>

    package var webSocketURL: String { "\(isSecure ? "wss" : "ws")://localhost:\(port)/websocket/v1" }
    package var restURL: String { "\(isSecure ? "https" : "http")://localhost:\(port)" }

    /// Opens the exchange on a free port.
    package static func start(
        session: Session = .seeded(frameCount: 1_000), playback: Playback = Playback(),
        settings: ExchangeSettings = ExchangeSettings()
    ) async throws -> ExchangeServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.any()
        let tls = try settings.certificate.map { try $0.serverContext() }
        let observed = WatchedValue(ExchangeObservations())
        do {
            let (port, core, listeners) = try await loop.submit {
                let core = ExchangeCore(
                    session: session, playback: playback, settings: settings, loop: loop, observed: observed)
                let reservation = try PortReservation()
                let listeners = ExchangeListeners(core: core, group: group, tls: tls, reservation: reservation)
                return (
                    reservation.port, NIOLoopBound(core, eventLoop: loop), NIOLoopBound(listeners, eventLoop: loop)
                )
            }.get()
            try await loop.flatSubmit { listeners.value.open() }.get()
            return ExchangeServer(
                port: port, isSecure: tls != nil, observed: observed, group: group, core: core, listeners: listeners)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private init(
        port: Int, isSecure: Bool, observed: WatchedValue<ExchangeObservations>, group: MultiThreadedEventLoopGroup,
        core: NIOLoopBound<ExchangeCore>, listeners: NIOLoopBound<ExchangeListeners>
    ) {
        self.port = port
        self.isSecure = isSecure
        self.observed = observed
        self.group = group
        self.core = core
        self.listeners = listeners
    }

    /// Closes all connections and the port.
    package func stop() async {
        try? await onLoop { $0.closeAll() }
        try? await group.any().flatSubmit { [listeners] in listeners.value.close() }.get()
        try? await group.shutdownGracefully()
    }

    // MARK: The session

    /// Plays another session, from its beginning.
    package func load(_ session: Session, _ playback: Playback = Playback()) async throws {
        try await onLoop { $0.load(session, playback) }
    }

    /// Starts or goes on.
    package func resume() async throws { try await onLoop { $0.player.resume() } }

    /// Sends no more frames until ``resume()``; connections stay open.
    package func pause() async throws { try await onLoop { $0.player.pause() } }

    /// Waits until all frames were played and their bytes went to the operating system.
    @discardableResult
    package func finished(within limit: Duration = .seconds(60)) async throws -> PlaybackProgress {
        try await observed.wait(within: limit) { $0.playback.isFinished }.playback
    }

    // MARK: Misbehaviour

    package func inject(_ faults: ExchangeFault...) async throws {
        try await onLoop { core in for fault in faults { core.perform(fault) } }
    }

    /// The next requests for the market list go wrong, one fault a request.
    package func failRest(_ faults: RestFault...) async throws { try await onLoop { $0.restFaults += faults } }

    /// How clients that connect from now on are answered. Open connections stay.
    package func setDoor(_ door: ExchangeDoor) async throws {
        try await onLoop { $0.door = door }
        try await group.any().flatSubmit { [listeners] in
            if case .refusing = door { return listeners.value.close() }
            guard !listeners.value.isOpen else { return listeners.value.loop.makeSucceededVoidFuture() }
            return listeners.value.open()
        }.get()
    }

    private func onLoop(_ body: @escaping @Sendable (ExchangeCore) -> Void) async throws {
        try await group.any().submit { [core] in body(core.value) }.get()
    }
}
