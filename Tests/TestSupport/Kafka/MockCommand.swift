/// What a mock cluster in another process is told, one line each.
package enum MockCommand: Equatable, Sendable {
    /// A broker, from 1, cuts its connections and refuses new ones; all of them without a number.
    case down(broker: Int?)
    case up(broker: Int?)
    /// Another broker leads a partition of the cluster's topic.
    case lead(partition: Int, broker: Int)
    /// Every answer takes so much longer.
    case delay(milliseconds: Int)

    package var text: String {
        switch self {
        case .down(let broker): "down \(broker ?? -1)"
        case .up(let broker): "up \(broker ?? -1)"
        case .lead(let partition, let broker): "lead \(partition) \(broker)"
        case .delay(let milliseconds): "delay \(milliseconds)"
        }
    }

    package init?(_ text: String) {
        let words = text.split(separator: " ")
        let numbers = words.dropFirst().compactMap { Int($0) }
        let broker = numbers.first.flatMap { $0 > 0 ? $0 : nil }
        switch (words.first, numbers.count) {
        case ("down", 1): self = .down(broker: broker)
        case ("up", 1): self = .up(broker: broker)
        case ("lead", 2): self = .lead(partition: numbers[0], broker: numbers[1])
        case ("delay", 1): self = .delay(milliseconds: numbers[0])
        default: return nil
        }
    }
}

extension MockCluster {
    /// Does what a line from another process says.
    package func perform(_ command: MockCommand, topic: String) {
        switch command {
        case .down(let broker): setDown(broker)
        case .up(let broker): setUp(broker)
        case .lead(let partition, let broker): setLeader(topic, partition: partition, broker: broker)
        case .delay(let milliseconds): setDelay(milliseconds: milliseconds)
        }
    }
}
