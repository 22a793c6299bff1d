import Kafka
import Market

/// Which of a producer's records this is, as its headers say. Valid as long as the record is.
struct Origin {
    /// Who wrote it: 1 byte or more, not checked further.
    let producer: UnsafeRawBufferPointer
    /// One more with each of the producer's records.
    let sequence: UInt64
    /// Microseconds since 1970, as the header says, which can be any number.
    let received: UInt64
    private let gapHeader: UnsafeRawBufferPointer?
    private let settledHeader: UnsafeRawBufferPointer?

    /// The gap that the record ends; nil when it ends none, or its header is malformed.
    var gap: Gap? { gapHeader.flatMap { Gap(header: $0, producer: producer, to: received) } }

    /// When the producer received it: microseconds since 1970; nil when it is no time in ``Tick/timestampRange``.
    var receivedMicroseconds: UInt64? { time(received) }

    /// All that the producer had received until then was in Kafka when it sent this record: microseconds since
    /// 1970; nil when the record does not tell, or its header is no time in ``Tick/timestampRange``.
    var settledMicroseconds: UInt64? { settledHeader.flatMap(decimal).flatMap(time) }

    private func time(_ microseconds: UInt64) -> UInt64? {
        Tick.timestampRange.contains(Int64(clamping: microseconds / 1_000)) ? microseconds : nil
    }

    /// nil unless `producer`, `seq` and `received` are all there and well-formed: other programs may use
    /// one of these names for something of their own. Of several headers of one name the last counts.
    init?(_ record: KafkaRecord) {
        var headers = Headers()
        record.forEachHeader { name, value in headers.take(name, value) }
        self.init(headers)
    }

    init?(_ headers: Headers) {
        guard let producer = headers.producer, !producer.isEmpty, let sequence = headers.sequence.flatMap(decimal),
            let received = headers.received.flatMap(decimal)
        else { return nil }
        self.producer = producer
        self.sequence = sequence
        self.received = received
        gapHeader = headers.gap
        settledHeader = headers.settled
    }

    /// The values of the five headers, as far as they are there.
    struct Headers {
        fileprivate var producer: UnsafeRawBufferPointer?
        fileprivate var sequence: UnsafeRawBufferPointer?
        fileprivate var received: UnsafeRawBufferPointer?
        fileprivate var gap: UnsafeRawBufferPointer?
        fileprivate var settled: UnsafeRawBufferPointer?

        mutating func take(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) {
            switch name.count {
            case 8 where equal(name, "producer"): producer = value
            case 8 where equal(name, "received"): received = value
            case 3 where equal(name, "seq"): sequence = value
            case 3 where equal(name, Gap.headerName): gap = value
            case 7 where equal(name, "settled"): settled = value
            default: break
            }
        }
    }
}

private func equal(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
    bytes.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
}

/// A whole number in decimal digits and nothing else; nil when it is none or does not fit.
private func decimal(_ text: UnsafeRawBufferPointer) -> UInt64? {
    guard !text.isEmpty, text.count <= 20 else { return nil }
    var number: UInt64 = 0
    for byte in text {
        let digit = byte &- UInt8(ascii: "0")
        let (product, isTooLarge) = number.multipliedReportingOverflow(by: 10)
        let (sum, isTooLargeNow) = product.addingReportingOverflow(UInt64(digit))
        guard digit < 10, !isTooLarge, !isTooLargeNow else { return nil }
        number = sum
    }
    return number
}
