import Logging
import Market
import Runtime
import Synchronization
import WebSocket

/// The way from the exchange's socket to the publisher: fetches the markets, connects, subscribes,
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
    private let publisher: Publisher
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
    private var subscriptions = 0
    private var hasData = false
    private var isStopping = false
    /// Frames that librdkafka had no room for. The socket is not read while there are any, so they
    /// are at most what libwebsockets had read already.
    private var waiting: [(frame: [UInt8], key: Frame.Key, receivedMicroseconds: UInt64)] = []

    /// A part of the time that a stop may take; the rest is for the deliveries.
    private static let drainLimit = Duration.seconds(2)

    init(_ loop: EventLoop, _ settings: ProducerSettings, _ publisher: Publisher, logger: Logger) {
        self.loop = loop
        self.settings = settings
        self.publisher = publisher
        self.logger = logger
    }

    /// Records until ``stop()``; blocks.
    ///
    /// - Returns: how many frames were read and found no room in Kafka's queue until the end.
    func run() throws(WebSocketError) -> Int {
        attempt()
        try loop.run { [self] in wokenUp() }
        timer = nil
        refreshTimer = nil
        return waiting.count
    }

    /// Reads no more, and ends ``run()`` once the frames that wait have found room. Any thread.
    func stop() {
        stopRequest.store(true, ordering: .releasing)
        loop.wake()
    }

    /// Lets the frames that wait be tried again. Any thread.
    func wake() { loop.wake() }

    private func wokenUp() {
        if stopRequest.load(ordering: .acquiring), !isStopping {
            isStopping = true
            refreshTimer = nil
            connection?.abort("stopping")
            timer = loop.schedule(after: Self.drainLimit) { [self] in loop.stop() }
        }
        publishWaiting()
        if isStopping, waiting.isEmpty { loop.stop() }
    }

    // MARK: - Markets

    private func fetchMarkets(_ use: @escaping ([String]) -> Void) {
        request = HTTPRequest(loop, get: settings.rest, limitBytes: 4 << 20, timeout: .seconds(10)) {
            [self] result in
            request = nil
            if !isStopping { use(chosenMarkets(result)) }
        }
    }

    /// The wanted ones of the exchange's list; without a usable answer those of the last one, or
    /// those that are asked for by name.
    private func chosenMarkets(_ result: Result<HTTPRequest.Response, WebSocketError>) -> [String] {
        listedAt = nil
        let problem: String
        switch result {
        case .success(let response) where response.status == 200:
            if let listed = MarketList.parse(response.body) { return chosenMarkets(of: listed) }
            problem = "not a list of markets"
        case .success(let response): problem = "status \(response.status)"
        case .failure(let error): problem = "\(error)"
        }
        logger.warning("no market list", metadata: ["url": "\(settings.rest)", "reason": "\(problem)"])
        return markets.isEmpty ? settings.markets.codes : markets
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
            return retry()
        }
        markets = chosen
        hasData = false
        reconnection.attempted(at: clock.now)
        connection = WebSocketConnection(
            loop, to: settings.webSocket,
            limits: .init(messageBytes: settings.frameLimitBytes, pingSeconds: settings.pingSeconds),
            delegate: self)
    }

    private func retry() {
        var generator = SystemRandomNumberGenerator()
        let delay = reconnection.delay(at: clock.now, using: &generator)
        timer = loop.schedule(after: delay) { [self] in attempt() }
    }

    private func subscribe() {
        subscriptions += 1
        connection?.send(
            Subscription.text(ticket: "\(settings.producerID)-\(subscriptions)", markets: markets))
    }

    private func watchForStall() {
        switch stall.verdict(at: clock.now) {
        case .look(let delay): timer = loop.schedule(after: delay) { [self] in watchForStall() }
        case .stalled(let silence):
            logger.warning("no data: connecting anew", metadata: ["silence": "\(silence)"])
            connection?.abort("stalled")
        }
    }

    // MARK: - Frames

    private func take(_ frame: UnsafeRawBufferPointer, _ key: Frame.Key) {
        stall.dataArrived(at: clock.now)
        if !hasData {
            hasData = true
            reconnection.dataArrived()
            logger.info("receiving", metadata: ["markets.count": "\(markets.count)"])
        }
        let received = microsecondsSince1970()
        if waiting.isEmpty {
            if publisher.publish(frame, key, receivedMicroseconds: received) { return }
            logger.debug("kafka's queue is full: the socket waits")
            stall.readingPaused()
            connection?.pauseReading()
        }
        waiting.append((Array(frame), key, received))
    }

    private func publishWaiting() {
        guard !waiting.isEmpty else { return }
        let taken = waiting.prefix { item in
            item.frame.withUnsafeBytes {
                publisher.publish($0, item.key, receivedMicroseconds: item.receivedMicroseconds)
            }
        }
        waiting.removeFirst(taken.count)
        if waiting.isEmpty {
            stall.readingResumed(at: clock.now)
            connection?.resumeReading()
        }
    }
}

extension Feed: WebSocketDelegate {
    func webSocketDidOpen(_ connection: WebSocketConnection) {
        logger.info("connected", metadata: ["url": "\(settings.webSocket)"])
        let timeout = settings.stallTimeout ?? StallWatch.defaultTimeout(markets: markets.count)
        stall = StallWatch(timeout: timeout, at: clock.now)
        if !waiting.isEmpty {
            stall.readingPaused()
            connection.pauseReading()
        }
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
        refreshTimer = nil
        if isStopping { return }
        if case .failed(let why) = reason {
            logger.warning("cannot connect", metadata: ["url": "\(settings.webSocket)", "reason": "\(why)"])
        } else {
            logger.warning("disconnected", metadata: ["url": "\(settings.webSocket)", "reason": "\(reason)"])
        }
        retry()
    }
}
