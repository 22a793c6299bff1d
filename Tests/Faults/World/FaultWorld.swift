import Foundation
import TestSupport

/// The whole pipeline of a round, with a bad network in front of the exchange and of the database, and
/// the services kept running.
struct FaultWorld: Sendable {
    let session: Session
    /// Frames a second.
    let rate: Int
    let exchange: ExchangeServer
    /// Between the producer and the exchange.
    let exchangeProxy: FaultProxy
    /// Between the services and the database.
    let databaseProxy: FaultProxy
    let broker: Broker
    let server: TimescaleServer
    let database: DatabaseProbe
    let warehouse: StrictFake
    let services: PipelineServices
    let producer: ServiceKeeper
    let consumers: [ServiceKeeper]
    /// Of the producer's spool, when it has one of its own.
    let disk: SmallDisk?
    /// As we see it.
    let spoolFolder: String
    let logFolder: String
    let brokers: BrokerOutages
    /// What explains the gaps.
    let chronicle = Chronicle()
    let fillings = WatchedValue<[Filling]>([])
    /// Its files are in use as long as the producer runs.
    private let authority: TestAuthority

    var keepers: [ServiceKeeper] { [producer] + consumers }

    /// - Parameters:
    ///   - pipeline: stays the caller's, who stops it.
    ///   - rate: frames a second.
    ///   - extra: settings of the producer.
    ///   - disk: for the producer's spool.
    static func start(
        over pipeline: Pipeline, _ session: Session, rate: Int, producer extra: [String: String],
        on disk: SmallDisk? = nil
    ) async throws -> FaultWorld {
        guard let warehouse = pipeline.warehouse as? StrictFake else { throw SetupError("a round needs our own fake") }
        let authority = try TestAuthority()
        let exchange = try await ExchangeServer.start(
            session: session, playback: Playback(.framesPerSecond(rate), absence: .rewinds, start: .manual),
            settings: ExchangeSettings(certificate: try authority.server()))
        let exchangeProxy = try await FaultProxy.start(to: exchange.port)
        let databaseProxy = try await FaultProxy.start(to: pipeline.server.port)
        let services = pipeline.services.reachingDatabase(at: databaseProxy.port)
        let logFolder = "\(pipeline.folder)/logs"
        try FileManager.default.createDirectory(atPath: logFolder, withIntermediateDirectories: true)
        let spoolFolder = "\(disk?.path ?? pipeline.folder)/spool"
        let producerSettings = Self.producerSettings(exchangeProxy.port, authority, spoolFolder: spoolFolder)
            .merging(extra) { $1 }
        return FaultWorld(
            session: session, rate: rate, exchange: exchange, exchangeProxy: exchangeProxy,
            databaseProxy: databaseProxy,
            broker: pipeline.broker, server: pipeline.server, database: pipeline.database, warehouse: warehouse,
            services: services,
            producer: ServiceKeeper("producer", logFolder: logFolder) {
                try services.producer(producerSettings, on: disk)
            },
            consumers: (1...2).map { number in
                ServiceKeeper("consumer-\(number)", logFolder: logFolder) {
                    try services.consumer(consumerSettings)
                }
            },
            disk: disk, spoolFolder: disk?.outside(spoolFolder) ?? spoolFolder,
            logFolder: logFolder, brokers: BrokerOutages(pipeline.broker), authority: authority)
    }

    private static func producerSettings(
        _ port: Int, _ authority: TestAuthority, spoolFolder: String
    ) -> [String: String] {
        [
            "UPBIT_WEBSOCKET_URL": "wss://localhost:\(port)/websocket/v1",
            "UPBIT_MARKETS_URL": "https://localhost:\(port)/v1/market/all",
            "UPBIT_CA_FILE": authority.authorityPath, "UPBIT_MARKETS": "*",
            "SPOOL_DIRECTORY": spoolFolder,
        ]
    }

    /// The producer's own, with as many markets as an outage has.
    static let defaultStallTimeout = Duration.seconds(8)
    /// Of the consumers' group.
    static let sessionTimeoutMilliseconds = 6_000

    /// Small batches, so that kills meet every part of a transaction, and a short session, since the group
    /// waits for a dead member until that ends. A membership under a name of its own would shorten it, but
    /// the mock cluster aborts when a member that was killed while it joined comes again under its name.
    private static let consumerSettings = [
        "KAFKA_SESSION_TIMEOUT_MS": "\(sessionTimeoutMilliseconds)", "KAFKA_HEARTBEAT_INTERVAL_MS": "300",
        "CONSUMER_BATCH_ROWS": "200",
    ]

    /// Starts a loader. It does not wait until the hour is closed: what it misses it loads the next time.
    ///
    /// - Parameter hour: nil lets it catch up with all that is missing or has changed.
    func loader(hour: String?) throws -> ChildProcess {
        try services.loader(hour.map { ["--hour", $0] } ?? [], ["LOADER_CLOSE_TIMEOUT": "0s"])
    }

    /// For who wants to know what happened: a disk of its own goes with the world, and the spool with it.
    func keepSpool() {
        guard disk != nil else { return }
        try? FileManager.default.copyItem(atPath: spoolFolder, toPath: "\(logFolder)/spool")
    }

    /// Ends what is not the pipeline's. The services must have ended before.
    func stop() async {
        await exchangeProxy.stop()
        await databaseProxy.stop()
        await exchange.stop()
    }
}
