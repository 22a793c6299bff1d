import Foundation
import Glibc
import TestSupport

/// The real producer and consumer over the sandbox's outside world.
///
/// The producer fills Kafka from the exchange's socket; the consumer then empties it into TimescaleDB;
/// psql copies the same rows into the same table.
struct PipelineBenchmark {
    let session: Session

    func run() async throws -> [Figure] {
        let pipeline = try await Pipeline(partitions: 48)
        do {
            var figures = try await producer(pipeline)
            figures += try await consumer(pipeline)
            try await pipeline.stop()
            return figures
        } catch {
            try? await pipeline.stop()
            throw error
        }
    }

    private func producer(_ pipeline: Pipeline) async throws -> [Figure] {
        let authority = try TestAuthority()
        let exchange = try await ExchangeServer.start(
            session: session, playback: Playback(.unlimited, start: .manual),
            settings: ExchangeSettings(certificate: try authority.server()))
        try pipeline.startProducer([
            "UPBIT_WEBSOCKET_URL": exchange.webSocketURL, "UPBIT_MARKETS_URL": "\(exchange.restURL)/v1/market/all",
            "UPBIT_CA_FILE": authority.authorityPath, "UPBIT_MARKETS": "*",
        ])
        try await exchange.observed.wait { !$0.subscriptions.isEmpty }
        guard let process = pipeline.producer else { return [] }
        let before = try cpuSeconds(of: process.processID)
        let start = ContinuousClock.now
        try await exchange.resume()
        try await TopicReader.wait(
            for: Int64(session.frameCount), in: pipeline.broker.topic, partitions: pipeline.broker.partitions,
            servers: pipeline.broker.servers, within: .seconds(120))
        let time = (ContinuousClock.now - start).inSeconds
        let cpu = try cpuSeconds(of: process.processID) - before
        process.send(SIGTERM)
        _ = try await process.exitStatus(within: .seconds(6))
        await exchange.stop()
        let count = Double(session.frameCount)
        return [
            Figure(name: "producer, TLS socket to acknowledged record", value: count / time, unit: "frames/s"),
            Figure(name: "producer, CPU of all threads", value: cpu / count * 1e6, unit: "µs/frame"),
        ]
    }

    private func consumer(_ pipeline: Pipeline) async throws -> [Figure] {
        let fetchTime = try ContinuousClock().measure {
            let lost = try TopicReader.readAll(
                pipeline.broker.topic, partitions: pipeline.broker.partitions, servers: pipeline.broker.servers
            ) { _ in }
            if lost > 0 { throw SetupError("the mock cluster dropped \(lost) records: use fewer --frames") }
        }.inSeconds
        try await pipeline.startConsumer()
        guard let process = pipeline.consumer else { return [] }
        let start = ContinuousClock.now
        try await pipeline.database.wait(
            for: "SELECT sum(next_offset) FROM kafka_offsets", toBe: "\(session.frameCount)", within: .seconds(120))
        let time = (ContinuousClock.now - start).inSeconds
        let cpu = try cpuSeconds(of: process.processID)
        process.send(SIGTERM)
        _ = try await process.exitStatus(within: .seconds(6))

        let copyTime = try await copyTime(pipeline)
        let count = Double(session.frameCount)
        return [
            Figure(
                name: "consumer, Kafka to committed row", value: count / time, unit: "rows/s",
                limit: ("psql \\copy of the same rows", count / copyTime)),
            Figure(
                name: "consumer, Kafka to committed row", value: count / time, unit: "rows/s",
                limit: ("the mock cluster, fetching alone", count / fetchTime)),
            Figure(name: "consumer, CPU of all threads", value: cpu / count * 1e6, unit: "µs/row"),
        ]
    }

    /// How long psql needs to copy the table's rows into the same table, emptied.
    private func copyTime(_ pipeline: Pipeline) async throws -> Double {
        let file = "\(pipeline.folder)/rows.tsv"
        _ = FileManager.default.createFile(atPath: file, contents: nil, attributes: [.posixPermissions: 0o666])
        try await pipeline.psql("\\copy (SELECT * FROM trade_data) TO '\(file)'")
        try await pipeline.database.execute("TRUNCATE trade_data")
        let start = ContinuousClock.now
        try await pipeline.psql("\\copy trade_data FROM '\(file)'")
        return (ContinuousClock.now - start).inSeconds
    }
}

/// The processor time that a process has used until now, in user and system mode (proc(5), stat).
private func cpuSeconds(of processID: Int32) throws -> Double {
    let stat = try String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8)
    // The name in parentheses may hold spaces; the fields are counted from behind it.
    let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
    guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else {
        throw SetupError("/proc/\(processID)/stat cannot be read")
    }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
}
