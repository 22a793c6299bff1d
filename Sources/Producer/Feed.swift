import Kafka
import Logging
import Market
import WebSocket

/// The way from the exchange's socket to the publisher: fetches the markets, connects, subscribes,
/// and starts over whenever that ends. Lives on the event loop's thread.
///
/// ```
/// wait ─▶ fetch the market list ─▶ connect ─▶ subscribe ─▶ frames … ─▶ closed, stalled ─▶ wait
/// ```
final class Feed {
    private let loop: EventLoop
    private let settings: ProducerSettings
    private let publisher: Publisher
    private let logger: Logger
    private let clock = ContinuousClock()

    private var reconnection = Reconnection()
    private var stall = StallWatch(timeout: .seconds(1), at: .now)
    private var connection: WebSocketConnection?
    private var request: HTTPRequest?
    /// The timer of what comes next: the next attempt, or the next look at the stall watch.
    private var timer: LoopTimer?
    private var refreshTimer: LoopTimer?
    private var markets: [String] = []
    private var subscriptions = 0
    private var hasData = false
    /// Frames that librdkafka had no room for. The socket is not read while there are any, so they
    /// are at most what libwebsockets had read already.
    private var waiting: [(frame: [UInt8], key: Frame.Key, receivedMicroseconds: UInt64)] = []

    init(_ loop: EventLoop, _ settings: ProducerSettings, _ publisher: Publisher, logger: Logger) {
        self.loop = loop
        self.settings = settings
        self.publisher = publisher
        self.logger = logger
    }

    /// Records until the loop is stopped; blocks.
    func run() {
        fetchMarkets()
        loop.run { [self] in publishWaiting() }
        timer = nil
        refreshTimer = nil
    }

    /// Frames that are in no one's hands but ours.
    var waitingCount: Int { waiting.count }

    // MARK: - Markets

    private func fetchMarkets() {
        reconnection.attempted(at: clock.now)
        request = HTTPRequest(loop, get: settings.rest, limitBytes: 4 << 20, timeout: .seconds(10)) { [self] result in
            request = nil
            connect(with: chosenMarkets(result))
        }
    }

    /// The wanted ones of the exchange's list; without a usable answer those of the last one, or
    /// those that are asked for by name.
    private func chosenMarkets(_ result: Result<HTTPRequest.Response, WebSocketError>) -> [String] {
        let problem: String
        switch result {
        case .success(let response) where response.status == 200:
            if let listed = MarketList.parse(response.body) {
                let unknown = settings.markets.codes.filter { !listed.contains($0) }
                if !unknown.isEmpty {
                    logger.warning("the exchange does not list these markets", metadata: ["markets": "\(unknown)"])
                }
                return settings.markets.choose(from: listed)
            }
            problem = "not a list of markets"
        case .success(let response): problem = "status \(response.status)"
        case .failure(let error): problem = "\(error)"
        }
        logger.warning("no market list", metadata: ["url": "\(settings.rest)", "reason": "\(problem)"])
        return markets.isEmpty ? settings.markets.codes : markets
    }

    // MARK: - Connection

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
            limits: .init(messageBytes: settings.frameLimitBytes, pingSeconds: settings.pingSeconds), delegate: self)
    }

    private func retry() {
        var generator = SystemRandomNumberGenerator()
        let delay = reconnection.delay(at: clock.now, using: &generator)
        timer = loop.schedule(after: delay) { [self] in fetchMarkets() }
    }

    private func subscribe() {
        subscriptions += 1
        connection?.send(
            Subscription.text(ticket: "\(settings.producerID)-\(subscriptions)", markets: markets))
    }

    private func refreshLater() {
        refreshTimer = loop.schedule(after: settings.marketRefresh) { [self] in
            request = HTTPRequest(loop, get: settings.rest, limitBytes: 4 << 20, timeout: .seconds(10)) {
                [self] result in
                request = nil
                let chosen = chosenMarkets(result)
                if !chosen.isEmpty, chosen != markets, connection != nil {
                    logger.info("the list of markets changed", metadata: ["markets.count": "\(chosen.count)"])
                    markets = chosen
                    subscribe()  // replaces the subscription before it
                }
                refreshLater()
            }
        }
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
        let now = clock.now
        stall.dataArrived(at: now)
        if !hasData {
            hasData = true
            reconnection.dataArrived()
            logger.info("receiving", metadata: ["markets.count": "\(markets.count)"])
        }
        let received = microsecondsSince1970()
        if waiting.isEmpty, publish(frame, key, received) { return }
        if waiting.isEmpty {
            logger.debug("kafka's queue is full: the socket waits")
            stall.readingPaused()
            connection?.pauseReading()
        }
        waiting.append((Array(frame), key, received))
    }

    private func publishWaiting() {
        guard !waiting.isEmpty else { return }
        var count = 0
        for item in waiting {
            guard item.frame.withUnsafeBytes({ publish($0, item.key, item.receivedMicroseconds) }) else { break }
            count += 1
        }
        waiting.removeFirst(count)
        if waiting.isEmpty {
            stall.readingResumed(at: clock.now)
            connection?.resumeReading()
        }
    }

    private func publish(_ frame: UnsafeRawBufferPointer, _ key: Frame.Key, _ received: UInt64) -> Bool {
        do {
            return try publisher.publish(frame, key, receivedMicroseconds: received)
        } catch {
            // Only a frame that Kafka can never take, or a client that is done for, gets here.
            logger.error("a frame was refused", metadata: ["kafka.error": "\(error)", "frame.bytes": "\(frame.count)"])
            return true
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
        if case .failed(let why) = reason {
            logger.warning("cannot connect", metadata: ["url": "\(settings.webSocket)", "reason": "\(why)"])
        } else {
            logger.warning("disconnected", metadata: ["url": "\(settings.webSocket)", "reason": "\(reason)"])
        }
        retry()
    }
}
