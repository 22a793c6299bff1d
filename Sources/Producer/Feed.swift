import Logging
import Market
import Runtime
import Synchronization
import WebSocket

/// The way from the exchange's socket to the spool: fetches the markets, connects, subscribes,
/// and starts over whenever that ends. Lives on the event loop's thread; only ``stop()`` and ``wake()``
/// may come from others.
///
/// ```
/// fetch the market list ─▶ connect ─▶ subscribe ─▶ frames … ─▶ closed, stalled ─▶ wait ─▶ connect …
/// ```
///
/// Only the first connect waits for the list: later ones take the last list and look for a newer one
/// while frames come in already.
final class Feed: @unchecked Sendable {
    private let loop: EventLoop
    private let settings: ProducerSettings
    private let spool: Spool
    private let publisher: Publisher
    private let intake: Intake
    private let metrics: ProducerMetrics
    private let manager: ServiceManager
    private let logger: Logger
    private let clock = ContinuousClock()
    private let stopRequest = Atomic(false)

    private var reconnection = Reconnection()
    private var stall = StallWatch(timeout: .seconds(1), at: .now)
    private var connection: WebSocketConnection?
    private var request: HTTPRequest?
    /// The timer of what comes next: the next attempt, the next look at the stall watch, or the end.
    private var timer: LoopTimer?
    private var refreshTimer: LoopTimer?
    private var markets: [String] = []
    /// When the last usable list came, and how long to wait after an unusable one.
    private var listedAt: ContinuousClock.Instant?
    private var listBackoff = Backoff(base: .seconds(4), limit: .seconds(300))
    private var roomTimer: LoopTimer?
    private var hasData = false
    private var isStopping = false
    /// Of the event loop.
    let heartbeat = Heartbeat("the socket's loop", limit: .seconds(120))
    private var heartbeatTimer: LoopTimer?

    /// How long a connection may take to open, and the market list to come: short, since what is sent
    /// into a network that comes back only now is answered late, and a new try at once.
    private static let answerLimit = Duration.seconds(3)
    /// How often a full spool is looked at again.
    private static let roomInterval = Duration.milliseconds(250)

    init(
        _ loop: EventLoop, _ settings: ProducerSettings, _ spool: Spool, _ publisher: Publisher,
        _ metrics: ProducerMetrics, _ manager: ServiceManager, logger: Logger
    ) {
        self.loop = loop
        self.settings = settings
        self.spool = spool
        self.manager = manager
        self.logger = logger
        self.publisher = publisher
        self.metrics = metrics
        intake = Intake(publisher, lastReceived: spool.lastReceived, metrics, logger: logger)
    }

    /// Records until ``stop()``; blocks.
    func run() throws(WebSocketError) {
        beat()
        attempt()
        try loop.run { [self] in wokenUp() }
        heartbeatTimer = nil
        timer = nil
        refreshTimer = nil
        roomTimer = nil
    }

    /// After ``run()``: waits until Kafka has what was handed to it, but not longer than that. Blocks.
    func finish(withinMilliseconds limit: Int) { publisher.finish(withinMilliseconds: limit) }

    /// After ``finish(withinMilliseconds:)``, once the last delivery reports were taken: frames that are in the spool
    /// and are sent by the next process.
    var spooledCount: UInt64 { publisher.waitingCount }

    /// Reads no more, and ends ``run()``. Any thread.
    func stop() {
        stopRequest.store(true, ordering: .releasing)
        loop.wake()
    }

    /// Lets the frames that wait be tried again. Any thread.
    func wake() { loop.wake() }

    /// The loop may have nothing to do for long, so it wakes itself up. What it waits for without turning is a name
    /// server, some seconds, and the disk, for room for the spool's next file.
    private func beat() {
        heartbeat.beat()
        heartbeatTimer = loop.schedule(after: .seconds(5)) { [self] in beat() }
    }

    private func wokenUp() {
        if stopRequest.load(ordering: .acquiring) {
            isStopping = true
            connection?.abort("stopping")
            return loop.stop()
        }
        if publisher.sendWaiting() { loop.wake() }  // the socket has its turn in between
    }

    // MARK: - Markets

    private func fetchMarkets(_ use: @escaping ([String]) -> Void) {
        request = HTTPRequest(loop, get: settings.rest, limitBytes: 4 << 20, timeout: Self.answerLimit) {
            [self] result in
            request = nil
            if !isStopping { use(chosenMarkets(result)) }
        }
    }

    /// The wanted ones of the exchange's list; without a usable answer those of the last one, or
    /// those that are asked for by name.
    private func chosenMarkets(_ result: Result<HTTPRequest.Response, WebSocketError>) -> [String] {
        switch MarketList.codes(in: result) {
        case .success(let listed): return chosenMarkets(of: listed)
        case .failure(let problem):
            listedAt = nil
            logger.warning("no market list", metadata: ["url": "\(settings.rest)", "reason": "\(problem)"])
            return markets.isEmpty ? settings.markets.codes : markets
        }
    }

    private func chosenMarkets(of listed: [String]) -> [String] {
        listedAt = clock.now
        listBackoff.reset()
        let unknown = settings.markets.codes.filter { !listed.contains($0) }
        if !unknown.isEmpty {
            logger.warning("the exchange does not list these markets", metadata: ["markets": "\(unknown)"])
        }
        return settings.markets.choose(from: listed)
    }

    /// Looks for new listings when the list gets old, and soon when there is none.
    private func refreshLater() {
        let age = listedAt.map { clock.now - $0 }
        let delay = age.map { max(.zero, settings.marketRefresh - $0) } ?? listBackoff.next()
        refreshTimer = loop.schedule(after: delay) { [self] in
            fetchMarkets { [self] chosen in
                guard connection != nil else { return }
                if !chosen.isEmpty, chosen != markets {
                    logger.info("the list of markets changed", metadata: ["markets.count": "\(chosen.count)"])
                    markets = chosen
                    subscribe()  // replaces the subscription before it
                }
                refreshLater()
            }
        }
    }

    // MARK: - Connection

    private func attempt() {
        reconnection.attempted(at: clock.now)
        if markets.isEmpty {
            fetchMarkets { [self] in connect(with: $0) }
        } else {
            connect(with: markets)
        }
    }

    private func connect(with chosen: [String]) {
        guard !chosen.isEmpty else {
            logger.error(
                "no market to subscribe to: check UPBIT_MARKETS and the market list",
                metadata: ["patterns": "\(settings.markets.patterns)"])
            manager.tell(.status("no market to subscribe to"))
            return retry(wasOpen: false)
        }
        markets = chosen
        hasData = false
        reconnection.attempted(at: clock.now)
        connection = WebSocketConnection(
            loop, to: settings.webSocket,
            limits: .init(
                messageBytes: settings.frameLimitBytes, pingSeconds: settings.pingSeconds,
                openingTime: Self.answerLimit),
            delegate: self)
    }

    private func retry(wasOpen: Bool) {
        var generator = SystemRandomNumberGenerator()
        let delay = reconnection.delay(at: clock.now, wasOpen: wasOpen, using: &generator)
        timer = loop.schedule(after: delay) { [self] in attempt() }
    }

    /// The ticket says which frame is the next one, which helps whoever looks at both ends of the connection.
    private func subscribe() {
        let ticket = "\(spool.state.producer)-\(spool.nextSequence)"
        connection?.send(Subscription.text(ticket: ticket, markets: markets))
    }

    private func watchForStall() {
        switch stall.verdict(at: clock.now) {
        case .look(let delay): timer = loop.schedule(after: delay) { [self] in watchForStall() }
        case .stalled(let silence):
            logger.warning("no data: connecting anew", metadata: ["silence": "\(silence)"])
            intake.stalled()
            connection?.abort("stalled")
        }
    }

    // MARK: - Frames

    private func take(_ frame: UnsafeRawBufferPointer, _ key: Frame.Key) {
        metrics.framesReceived.add()
        metrics.receivedBytes.add(frame.count)
        stall.dataArrived(at: clock.now)
        if !hasData {
            hasData = true
            reconnection.dataArrived()
            logger.info("receiving", metadata: ["markets.count": "\(markets.count)"])
            manager.tell(.status("receiving \(markets.count) markets"))
        }
        guard intake.flow == .open else { return intake.take(frame, key) }
        intake.take(frame, key)
        if intake.flow == .blocked { pause() }
    }

    private func pause() {
        manager.tell(.status("the spool is full: the socket waits"))
        waitForRoom()
    }

    private func waitForRoom() {
        stall.readingPaused()
        connection?.pauseReading()
        roomTimer = loop.schedule(after: Self.roomInterval) { [self] in
            guard intake.retry() == .open else { return waitForRoom() }
            stall.readingResumed(at: clock.now)
            manager.tell(.status("receiving \(markets.count) markets"))
            connection?.resumeReading()
        }
    }
}

extension Feed: WebSocketDelegate {
    func webSocketDidOpen(_ connection: WebSocketConnection) {
        metrics.connected.set(1)
        logger.info("connected", metadata: ["url": "\(settings.webSocket)"])
        let timeout = settings.stallTimeout ?? StallWatch.defaultTimeout(markets: markets.count)
        stall = StallWatch(timeout: timeout, at: clock.now)
        if intake.flow == .blocked { pause() }
        subscribe()
        watchForStall()
        refreshLater()
    }

    func webSocket(_ connection: WebSocketConnection, didReceive message: UnsafeRawBufferPointer) {
        switch Frame(message) {
        case .data(let key): take(message, key)
        case .status: logger.trace("heartbeat")
        case .error:
            let words = String(decoding: message.prefix(1_000), as: UTF8.self)
            logger.error("the exchange reports an error", metadata: ["exchange.error": "\(words)"])
        }
    }

    func webSocket(_ connection: WebSocketConnection, didClose reason: WebSocketConnection.CloseReason) {
        self.connection = nil
        metrics.connected.set(0)
        refreshTimer = nil
        if isStopping { return }
        metrics.reconnects.add(ReconnectReason(reason))
        if case .failed(let why) = reason {
            logger.warning("cannot connect", metadata: ["url": "\(settings.webSocket)", "reason": "\(why)"])
        } else {
            logger.warning("disconnected", metadata: ["url": "\(settings.webSocket)", "reason": "\(reason)"])
        }
        manager.tell(.status("not connected: \(reason)"))
        intake.disconnected(orderly: reason.isOrderly)
        retry(wasOpen: reason.wasOpen)
    }
}

extension WebSocketConnection.CloseReason {
    /// The peer said goodbye, so all that it had sent before was received.
    fileprivate var isOrderly: Bool {
        if case .closedByPeer = self { true } else { false }
    }

    fileprivate var wasOpen: Bool {
        if case .failed = self { false } else { true }
    }
}
