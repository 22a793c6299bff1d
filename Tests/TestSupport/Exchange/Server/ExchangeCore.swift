import Foundation
import NIOCore
import NIOHTTP1
import NIOWebSocket
import Runtime

/// The state of the exchange. It lives on one event loop with all its connections, so it needs no lock.
final class ExchangeCore {
    let settings: ExchangeSettings
    let loop: any EventLoop
    let observed: WatchedValue<ExchangeObservations>
    var door = ExchangeDoor.open
    var restFaults: [RestFault] = []
    private(set) var connections: [ExchangeConnection] = []
    private(set) var player: SessionPlayer
    private var connectLimit: MessageLimit
    private var connectionCount = 0
    /// All open sockets, WebSockets or not; closed at the end.
    private var sockets: [ObjectIdentifier: any Channel] = [:]

    init(
        session: Session, playback: Playback, settings: ExchangeSettings, loop: any EventLoop,
        observed: WatchedValue<ExchangeObservations>
    ) {
        self.settings = settings
        self.loop = loop
        self.observed = observed
        connectLimit = MessageLimit(perSecond: settings.connectionsPerSecond)
        player = SessionPlayer(session: session, playback: playback, loop: loop, observed: observed)
        player.exchange = self
    }

    /// Takes another session; who is subscribed stays so.
    func load(_ session: Session, _ playback: Playback) {
        player.pause()
        observed.update { $0.playback = PlaybackProgress() }
        player = SessionPlayer(session: session, playback: playback, loop: loop, observed: observed)
        player.exchange = self
        for connection in connections { select(connection) }
        if connections.contains(where: \.isListening) { player.listenerCame() }
    }

    func accepted(_ channel: any Channel) {
        sockets[ObjectIdentifier(channel)] = channel
        observed.update { $0.acceptedCount += 1 }
        let bound = NIOLoopBound(self, eventLoop: loop)
        channel.closeFuture.whenComplete { _ in bound.value.sockets[ObjectIdentifier(channel)] = nil }
    }

    func closeAll() {
        player.pause()
        for channel in sockets.values { channel.closeSocket() }
    }

    // MARK: Upgrade

    /// The status that an upgrade is refused with, nil when it may go on.
    func refusal(of head: HTTPRequestHead) -> HTTPResponseStatus? {
        let isAllowed = connectLimit.allows(at: .now())
        if case .status(let code) = door { return HTTPResponseStatus(statusCode: code) }
        guard head.uri.split(separator: "?").first == "/websocket/v1" else { return .notFound }
        // The real one allows one request in ten seconds to a browser. A service has no business to look
        // like one, so here it is told at once.
        return isAllowed && !head.headers.contains(name: "origin") ? nil : .tooManyRequests
    }

    func opened(_ channel: any Channel, _ head: HTTPRequestHead) throws -> ExchangeConnection {
        let connection = try ExchangeConnection(id: connectionCount, channel: channel, settings: settings)
        connectionCount += 1
        connections.append(connection)
        let opened = ExchangeObservations.Connection(
            id: connection.id, openedAt: .now, headers: head.headers.map { (name: $0.name, value: $0.value) })
        observed.update { $0.connections.append(opened) }
        watchIdle(connection)
        return connection
    }

    func closed(_ connection: ExchangeConnection) {
        connection.isClosing = true
        connections.removeAll { $0 === connection }
        observed.update { $0.connections[connection.id].closedAt = .now }
        player.pump()
    }

    private func watchIdle(_ connection: ExchangeConnection) {
        let limit = TimeAmount(settings.idleLimit)
        let bound = NIOLoopBound((self, connection), eventLoop: loop)
        loop.scheduleTask(deadline: connection.lastActivity + limit) {
            let (core, connection) = bound.value
            guard !connection.isClosing else { return }
            if connection.lastActivity + limit <= .now() { return connection.hangUp() }
            core.watchIdle(connection)
        }
    }

    // MARK: Messages

    func received(_ text: [UInt8], on connection: ExchangeConnection) {
        guard connection.limit.allows(at: .now()) else { return refuse(connection, .tooManyRequests) }
        guard text != Array("PING".utf8) else { return startStatus(connection) }
        do throws(SubscriptionRequest.Refusal) {
            switch try SubscriptionRequest(text) {
            case .list(let ticket): connection.send(listing(connection, ticket: ticket))
            case .subscribe(let subscription): subscribe(connection, subscription)
            }
        } catch {
            refuse(connection, error)
        }
    }

    private func subscribe(_ connection: ExchangeConnection, _ subscription: SubscriptionRequest.Subscription) {
        if player.rewinds, connection.subscription == nil { takeOver(connection, subscription.ticket) }
        connection.subscription = subscription
        select(connection)
        observed.update {
            $0.subscriptions.append(
                .init(
                    connection: connection.id, ticket: subscription.ticket, codes: subscription.codes,
                    isOnlySnapshot: subscription.isOnlySnapshot, isOnlyRealtime: subscription.isOnlyRealtime))
        }
        if !subscription.isOnlyRealtime { sendSnapshots(connection, subscription.format) }
        if connection.isListening { player.listenerCame() }
    }

    /// The session goes on for this connection alone, at the frame that the ticket names.
    private func takeOver(_ connection: ExchangeConnection, _ ticket: String) {
        for other in connections where other !== connection { other.reset() }
        let number = ticket.split(separator: "-").last.flatMap { Int($0) } ?? 0
        let lastSent = player.timeOfFrame(number - 2)
        let reached = player.rewind(to: number - 1)
        let now = Int64(microsecondsSince1970())
        observed.update {
            $0.resumptions.append(
                .init(
                    connection: connection.id, wanted: number - 1, reached: reached, microseconds: now,
                    lastSent: lastSent))
        }
    }

    /// Unknown codes, lower-case ones among them, are passed over without a word.
    private func select(_ connection: ExchangeConnection) {
        let codes = Set(connection.subscription?.codes ?? [])
        connection.wanted = player.session.markets.map { codes.contains($0.code) }
    }

    private func sendSnapshots(_ connection: ExchangeConnection, _ format: SubscriptionRequest.Format) {
        for market in connection.wanted.indices where connection.wanted[market] {
            connection.append(format.rewrite(snapshot(market)))
        }
        connection.flush()
    }

    private func snapshot(_ market: Int) -> [UInt8] {
        var frame: [UInt8] = []
        player.encoder.encodeSnapshot(market: market, into: &frame)
        return frame
    }

    private func listing(_ connection: ExchangeConnection, ticket: String) -> [UInt8] {
        let markets = player.session.markets
        let codes = zip(markets, connection.wanted).filter(\.1).map { #""\#($0.0.code)""# }.joined(separator: ",")
        let entry = codes.isEmpty ? "" : #"{"type":"ticker","codes":[\#(codes)]}"#
        return Array(#"{"method":"LIST_SUBSCRIPTIONS","result":[\#(entry)],"ticket":"\#(ticket.jsonEscaped)"}"#.utf8)
    }

    private func startStatus(_ connection: ExchangeConnection) {
        observed.update { $0.connections[connection.id].textPingCount += 1 }
        guard !connection.sendsStatus else { return }
        connection.sendsStatus = true
        let interval = TimeAmount(settings.statusInterval)
        let bound = NIOLoopBound(connection, eventLoop: loop)
        loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { task in
            guard !bound.value.isClosing else { return task.cancel() }
            if !bound.value.isSilent { bound.value.send(Self.status) }
        }
    }

    private func refuse(_ connection: ExchangeConnection, _ refusal: SubscriptionRequest.Refusal) {
        observed.update { $0.errors.append(refusal.rawValue) }
        connection.send(Self.error(refusal.rawValue, refusal.message))
        let bound = NIOLoopBound(connection, eventLoop: loop)
        loop.scheduleTask(in: TimeAmount(settings.closeDelay)) { bound.value.close(code: 1_000) }
    }

    // MARK: Faults

    func perform(_ fault: ExchangeFault) {
        switch fault {
        case .fragment, .textFrame, .pad: player.alterNextFrame(fault)
        default: for connection in connections where !connection.isClosing { perform(fault, on: connection) }
        }
        if case .recover = fault { player.pump() }
    }

    private func perform(_ fault: ExchangeFault, on connection: ExchangeConnection) {
        switch fault {
        case .fragment, .textFrame, .pad: break
        case .invalidUTF8: connection.send(anyFrame { $0.replaceSubrange(30..<32, with: [0xC3, 0x28]) })
        case .truncatedJSON: connection.send(anyFrame { $0.removeLast($0.count / 2) })
        case .frame(let bytes): connection.send(bytes)
        case .wireBytes(let bytes):
            connection.append(wireBytes: bytes)
            connection.flush()
        case .status: connection.send(Self.status)
        case .error(let name, let message): connection.send(Self.error(name, message))
        case .stall(let answeringPings): (connection.isSilent, connection.answersPings) = (true, answeringPings)
        case .recover: (connection.isSilent, connection.answersPings) = (false, true)
        case .hangUp: connection.hangUp()
        case .reset: connection.reset()
        case .close(let code): connection.close(code: code)
        }
    }

    /// A frame of the first market, changed.
    private func anyFrame(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
        guard !player.session.markets.isEmpty else { return [] }
        var frame = snapshot(0)
        change(&frame)
        return frame
    }

    private static let status = Array(#"{"status":"UP"}"#.utf8)

    private static func error(_ name: String, _ message: String) -> [UInt8] {
        Array(#"{"error":{"name":"\#(name.jsonEscaped)","message":"\#(message.jsonEscaped)"}}"#.utf8)
    }
}

extension String {
    /// What may stand between quotes in JSON.
    var jsonEscaped: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case ..<" ":
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
