/// Tells from time to time until when everything that was received is in Kafka, holes included: a gap's end
/// is delivered by then.
///
/// A reader that has read all partitions up to their ends since it was told that lacks nothing received
/// earlier; the partitions alone do not say so, since frames come to them at different speeds, or wait in the
/// spool for one of them. Times are microseconds since 1970.
struct Settlement {
    /// The frame of which the delivery is waited for; it stands for all before it.
    private var mark: (sequence: UInt64, received: UInt64)?

    /// Between one frame that tells and the next, by the time at which they were received.
    private static let interval: UInt64 = 200_000

    /// What the record tells; nil for most.
    func told(by record: SpoolRecord, deliveredBelow: UInt64) -> UInt64? {
        guard let mark, mark.sequence < deliveredBelow, record.receivedMicroseconds >= mark.received &+ Self.interval
        else { return nil }
        return mark.received
    }

    /// The record was handed to the client, and told that or nothing.
    mutating func sent(_ record: SpoolRecord, told: UInt64?) {
        // When the clock was set back, frames of an earlier time are still to come: the mark waits for them, too.
        let isEarlier = mark.map { record.receivedMicroseconds < $0.received } ?? true
        if isEarlier || told != nil { mark = (record.sequence, record.receivedMicroseconds) }
    }
}
