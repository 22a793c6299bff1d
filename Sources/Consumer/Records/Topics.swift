import Kafka
import Market

/// One of the two topics that the consumer reads.
enum Source {
    /// Ticker frames: each is a row.
    case ticks
    /// What the producers could not receive.
    case gaps
}

/// The topics by name.
struct Topics {
    let ticks: String
    let gaps: String
    private let gapsOnTheWire: KafkaTopicName

    init(ticks: String) {
        self.ticks = ticks
        gaps = ticks + Gap.topicSuffix
        gapsOnTheWire = KafkaTopicName(gaps)
    }

    subscript(source: Source) -> String { source == .ticks ? ticks : gaps }

    /// Which topic a record came from; only these two are ever read.
    func source(of record: KafkaRecord) -> Source { record.belongs(to: gapsOnTheWire) ? .gaps : .ticks }

    /// nil for the name of another topic.
    func source(of partition: TopicPartition) -> Source? {
        switch partition.topic {
        case ticks: .ticks
        case gaps: .gaps
        default: nil
        }
    }
}
