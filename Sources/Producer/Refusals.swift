import Kafka

/// What brokers refused for good, as opposed to what they may take later. It lasts as long as the process:
/// the next one finds out anew, since a frame that is given up stays in the spool until one behind it tells.
///
/// A broker refuses a whole batch for one record in it, so what is to blame has to be found out:
///
/// ```
/// a timestamp ─▶ all up to there once more, with the present time ─▶ refused ─┐
/// too large, or another reason ───────────────────────────────────────────────┴▶ one by one ─▶ refused: given up
/// ```
struct Refusals: Equatable {
    enum Verdict: Equatable {
        /// The frames up to here are sent again with the present time as their timestamp.
        case restamp
        /// They are sent again, each in a batch of its own.
        case isolate
        /// The frame alone was refused, and is not sent again.
        case giveUp
    }

    /// Frames that are not sent any more.
    private(set) var givenUp: Set<UInt64> = []
    /// Frames up to here get the present time as their timestamp: the topic's limits, which are relative to
    /// it, cannot refuse that. When the trade happened is in the frame.
    private(set) var restampedUntil: UInt64 = 0
    /// Frames up to here are sent one in a batch, since one of them was refused with others. Those behind
    /// them wait for the next client, which fills its batches.
    private(set) var isolatedUntil: UInt64?

    /// - Parameters:
    ///   - restampedUntil: what it was when the refused record was sent.
    ///   - isAlone: the record was in a batch of its own.
    mutating func refused(
        _ sequence: UInt64, _ code: KafkaError.Code, restampedUntil: UInt64, isAlone: Bool
    ) -> Verdict {
        if code == .invalidTimestamp, sequence > restampedUntil {
            self.restampedUntil = max(self.restampedUntil, sequence)
            return .restamp
        }
        guard isAlone else {
            isolatedUntil = max(isolatedUntil ?? 0, sequence)
            return .isolate
        }
        givenUp.insert(sequence)
        return .giveUp
    }

    /// Everything below is delivered.
    mutating func forget(below sequence: UInt64) {
        givenUp = givenUp.filter { $0 >= sequence }
        if let until = isolatedUntil, until < sequence { isolatedUntil = nil }
    }
}

extension KafkaError {
    /// A record is to blame, and not a right, a broker or the network.
    var isRefusal: Bool { [.messageTooLarge, .batchTooLarge, .invalidTimestamp, .invalidRecord].contains(code) }

    /// What becomes of a frame that Kafka never takes, and what to do about the next one.
    var lossText: String {
        switch code {
        case .messageTooLarge: "a frame is larger than Kafka takes, and is lost: raise the topic's max.message.bytes"
        case .batchTooLarge: "a frame is larger than a segment of the topic, and is lost: raise its segment.bytes"
        default: "Kafka refuses a frame for good, and it is lost: look at the topic's settings"
        }
    }
}
