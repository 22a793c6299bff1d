import Logging
import Market
import Runtime

/// Takes frames off the socket into the spool, and knows what to do when there is no room. Used by the
/// socket's thread.
final class Intake {
    /// Whether the socket may be read.
    enum Flow {
        case open, blocked
    }

    private let publisher: Publisher
    private let metrics: ProducerMetrics
    private let logger: Logger
    private var ledger: GapLedger
    /// Frames that came when the spool was full. The socket is not read while there are any, so they are
    /// at most what libwebsockets had read already.
    private var waiting: [(frame: [UInt8], key: Frame.Key, receivedMicroseconds: UInt64, gap: GapStart?)] = []

    /// - Parameter lastReceived: when the spool got its last frame; nil when it is new.
    init(_ publisher: Publisher, lastReceived: UInt64?, _ metrics: ProducerMetrics, logger: Logger) {
        self.publisher = publisher
        self.metrics = metrics
        self.logger = logger
        ledger = GapLedger(lastReceived: lastReceived)
    }

    var flow: Flow { waiting.isEmpty ? .open : .blocked }
    /// Frames that are in memory alone.
    var waitingCount: Int { waiting.count }

    func disconnected(orderly: Bool) { ledger.disconnected(orderlyAt: orderly ? microsecondsSince1970() : nil) }

    func stalled() { ledger.stalled() }

    func take(_ frame: UnsafeRawBufferPointer, _ key: Frame.Key) {
        let received = microsecondsSince1970()
        let gap = ledger.dataArrived(at: received)
        if let gap { tell(gap, until: received) }
        if waiting.isEmpty {
            do throws(Spool.Full) {
                return try publisher.publish(frame, key, receivedMicroseconds: received, gap: gap)
            } catch {
                logFull(error)
                ledger.paused()
            }
        }
        waiting.append((Array(frame), key, received, gap))
    }

    /// Tries the frames that wait once more.
    ///
    /// - Returns: whether the socket may be read now.
    func retry() -> Flow {
        guard !waiting.isEmpty else { return .open }
        var taken = 0
        while taken < waiting.count, publish(waiting[taken]) { taken += 1 }
        waiting.removeFirst(taken)
        if waiting.isEmpty {
            logger.info("the spool has room again")
            ledger.resumed()
        }
        return flow
    }

    private func publish(
        _ item: (frame: [UInt8], key: Frame.Key, receivedMicroseconds: UInt64, gap: GapStart?)
    ) -> Bool {
        let outcome = item.frame.withUnsafeBytes { frame in
            Result { () throws(Spool.Full) in
                try publisher.publish(frame, item.key, receivedMicroseconds: item.receivedMicroseconds, gap: item.gap)
            }
        }
        return (try? outcome.get()) != nil
    }

    private func tell(_ gap: GapStart, until end: UInt64) {
        metrics.gapEnded(gap, at: end)
        logger.warning(
            "gap",
            metadata: [
                "gap.reason": "\(gap.reason.rawValue)", "gap.from": "\(gap.from)",
                "gap.milliseconds": "\((end - gap.from) / 1_000)",
            ])
    }

    private func logFull(_ full: Spool.Full) {
        switch full {
        case .limit(let bytes):
            logger.error(
                "the spool is full: the socket waits. Bring Kafka back, or raise SPOOL_MAX_BYTES",
                metadata: ["spool.max_bytes": "\(bytes)"])
        case .disk(let reason):
            logger.error(
                "the spool's disk is full: the socket waits. Make room on it", metadata: ["reason": "\(reason)"])
        }
    }
}
