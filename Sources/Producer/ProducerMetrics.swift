import Market
import Runtime
import WebSocket

/// What the producer tells about itself. Any thread may count; what the spool knows is read there.
struct ProducerMetrics: MetricGroup {
    let framesReceived = Counter(
        "ticker_producer_frames_received_total", "Frames with data that came off the exchange's socket.")
    let receivedBytes = Counter(
        "ticker_producer_received_bytes_total", unit: .bytes, "Bytes of those frames.")
    let lastFrame = Reading(
        "ticker_producer_last_frame_timestamp_seconds", unit: .microseconds,
        "When the spool got its last frame, since 1970; 0 when it never had one.")
    let connected = Gauge("ticker_producer_connected", "1 while the exchange's socket is open, else 0.")
    let reconnects = CounterFamily(
        "ticker_producer_reconnects_total", by: ReconnectReason.self,
        "Connections to the exchange that ended or did not come about; each is followed by another attempt.")
    let gaps = CounterFamily(
        "ticker_producer_gaps_total", by: Gap.Reason.self,
        "Spans without data, counted when the frame that ends one has come.")
    let gapTime = CounterFamily(
        "ticker_producer_gap_seconds_total", by: Gap.Reason.self, unit: .microseconds, "How long those spans were.")
    let framesDelivered = Counter(
        "ticker_producer_frames_delivered_total", "Frames that Kafka has in all replicas.")
    let framesLost = Counter(
        "ticker_producer_frames_lost_total",
        "Frames that Kafka will never have: it refuses them for good, or the spool was damaged.")
    let deliveryErrors = Counter(
        "ticker_producer_delivery_errors_total",
        "Deliveries that failed, and errors of the Kafka client. The frames are sent again.")
    let queueRecords = Gauge(
        "ticker_producer_queue_records", "Records in the Kafka client's queue, without a delivery report.")
    let spoolBytes = Reading(
        "ticker_producer_spool_bytes", unit: .bytes,
        "Size of the spool's files: whole segments, of which the last one is always there.")
    let spoolLimit = Reading(
        "ticker_producer_spool_limit_bytes", unit: .bytes, "How large they may get; then the socket is not read.")
    let spoolWaiting = Reading(
        "ticker_producer_spool_waiting_frames", "Frames in the spool that Kafka is not known to have.")
    let spoolSyncs = Reading(
        "ticker_producer_spool_syncs_total", kind: .counter,
        "Times that all of the spool was flushed to the disk, every `SPOOL_SYNC_INTERVAL`.")
    let spoolUnsynced = Reading(
        "ticker_producer_spool_unsynced_frames",
        "Frames in the spool that neither the disk nor Kafka is known to have: what a power cut would cost now.")

    /// Reads from the spool what it knows.
    func observe(_ spool: Spool, limitBytes: Int) {
        let (state, catalogue) = (spool.state, spool.catalogue)
        lastFrame.read { Int(clamping: state.lastReceived) }
        spoolBytes.read { catalogue.bytes }
        spoolLimit.read { limitBytes }
        spoolWaiting.read { Int(clamping: state.waitingFrames) }
    }

    /// Reads from the spool's keeper what it has done.
    func observe(_ keeper: SpoolKeeper) {
        spoolSyncs.read { keeper.keptCount }
        spoolUnsynced.read { Int(clamping: keeper.unsynchronizedFrames) }
    }

    func gapEnded(_ gap: GapStart, at end: UInt64) {
        gaps.add(gap.reason)
        gapTime.add(Int(clamping: end) - Int(clamping: min(gap.from, end)), gap.reason)
    }
}

/// Why there is no connection to the exchange any more.
enum ReconnectReason: String, MetricLabel {
    /// It did not come about.
    case failed
    /// The exchange said goodbye.
    case closed
    /// It ended without a word.
    case lost
    /// It brought no data, and was given up.
    case stalled
    /// It brought what is no WebSocket.
    case violation
    /// A message was larger than `UPBIT_MAX_FRAME_BYTES`.
    case frameTooLarge = "frame_too_large"

    static let labelName = "reason"

    init(_ reason: WebSocketConnection.CloseReason) {
        self =
            switch reason {
            case .failed: .failed
            case .closedByPeer: .closed
            case .lost: .lost
            case .violation: .violation
            case .aborted: .stalled
            case .messageTooLarge: .frameTooLarge
            }
    }
}

extension Gap.Reason: MetricLabel {
    static var allCases: [Gap.Reason] { SpoolRecord.reasons }
    static let labelName = "reason"
}
