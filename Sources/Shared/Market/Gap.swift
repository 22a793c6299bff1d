/// A span in which a producer could receive no data, or lost them, as it travels through Kafka.
///
/// ```
/// {"producer":"host-5f0c","from":1767225600000000,"to":1767225612000000,"reason":"stall"}
/// ```
///
/// The topic is the ticks' own with ``topicSuffix`` behind it, the key is the producer. A gap may be told
/// more than once; producer and beginning say which one it is.
///
/// The tick that ends a gap has it in a header, ``headerName``, as `1767225600000000,stall`: it ends when
/// that tick was received.
package struct Gap: Equatable, Sendable {
    /// Why nothing was received.
    package struct Reason: RawRepresentable, Equatable, Sendable {
        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        /// The connection ended, or could not be made.
        package static let disconnect = Reason(rawValue: "disconnect")
        /// The connection was open and brought nothing.
        package static let stall = Reason(rawValue: "stall")
        /// The producer did not run.
        package static let restart = Reason(rawValue: "restart")
        /// The producer had no room left and did not read the socket.
        package static let spoolFull = Reason(rawValue: "spool_full")
        /// Frames had been received, and were damaged on the producer's disk.
        package static let spoolDamaged = Reason(rawValue: "spool_damaged")
        /// Frames had been received, and Kafka refuses them for good.
        package static let refused = Reason(rawValue: "refused")
    }

    /// As in the header `producer` of the ticks' records.
    package let producer: String
    /// The last time at which data are known to have come: microseconds since 1970.
    package let from: UInt64
    /// The first time at which data came again: microseconds since 1970.
    package let to: UInt64
    package let reason: Reason

    package init(producer: String, from: UInt64, to: UInt64, reason: Reason) {
        self.producer = producer
        self.from = from
        self.to = to
        self.reason = reason
    }

    /// `upbit_ticker.gaps` belongs to `upbit_ticker`.
    package static let topicSuffix = ".gaps"

    /// A tick's header that tells of the gap before it.
    package static let headerName: StaticString = "gap"

    /// That header's value.
    package var header: String { "\(from),\(reason.rawValue)" }

    /// Reads the header of a tick that was received at `to`; nil when it is no gap.
    package init?(header: UnsafeRawBufferPointer, producer: UnsafeRawBufferPointer, to: UInt64) {
        guard let comma = header.firstIndex(of: UInt8(ascii: ",")), Self.isValidProducer(producer) else { return nil }
        let reason = UnsafeRawBufferPointer(rebasing: header[(comma + 1)...])
        guard let from = microseconds(header, 0..<comma), from <= to, isTime(to), isReason(reason) else { return nil }
        self.init(
            producer: String(decoding: producer, as: UTF8.self), from: from, to: to,
            reason: Reason(rawValue: String(decoding: reason, as: UTF8.self)))
    }

    /// The record's value. A producer's name needs no escaping: see ``isValidProducer(_:)``.
    package var json: String {
        #"{"producer":"\#(producer)","from":\#(from),"to":\#(to),"reason":"\#(reason.rawValue)"}"#
    }

    /// True for what may name a producer: 1 to 255 printable characters of ASCII, no quote and no backslash.
    package static func isValidProducer(_ name: UnsafeRawBufferPointer) -> Bool {
        (1...255).contains(name.count)
            && name.allSatisfy { (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }

    /// Reads a record's value; nil when it is no gap.
    package init?(parsing value: UnsafeRawBufferPointer) {
        var scanner = JSONScanner(value)
        var (producer, reason): (Range<Int>?, Range<Int>?)
        var (from, to): (UInt64?, UInt64?)
        do {
            try scanner.expect("{")
            repeat {
                let name = try scanner.string()
                try scanner.expect(":")
                switch name.count {
                case 8 where scanner.matches(name, "producer"): producer = try scanner.string()
                case 6 where scanner.matches(name, "reason"): reason = try scanner.string()
                case 4 where scanner.matches(name, "from"): from = microseconds(value, try scanner.value())
                case 2 where scanner.matches(name, "to"): to = microseconds(value, try scanner.value())
                default: try scanner.skipValue()
                }
            } while scanner.skip(",")
            try scanner.expect("}")
            try scanner.expectEnd()
        } catch {
            return nil
        }
        guard let producer, let reason, let from, let to, from <= to else {
            return nil
        }
        let producerBytes = UnsafeRawBufferPointer(rebasing: value[producer])
        guard Self.isValidProducer(producerBytes), isReason(UnsafeRawBufferPointer(rebasing: value[reason]))
        else { return nil }
        self.init(
            producer: String(decoding: producerBytes, as: UTF8.self), from: from, to: to,
            reason: Reason(rawValue: String(decoding: value[reason], as: UTF8.self)))
    }
}

/// Also reasons that a later version may have.
private func isReason(_ text: UnsafeRawBufferPointer) -> Bool {
    (1...64).contains(text.count)
        && text.allSatisfy { $0 == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
}

/// The whole number at `range`; nil for anything that is no time in ``Tick/timestampRange``.
private func microseconds(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> UInt64? {
    guard let number = UInt64(String(decoding: bytes[range], as: UTF8.self)), isTime(number) else { return nil }
    return number
}

private func isTime(_ microseconds: UInt64) -> Bool {
    Tick.timestampRange.contains(Int64(clamping: microseconds / 1_000))
}
