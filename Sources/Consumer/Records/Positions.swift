import Kafka

/// Where all partitions of this consumer stand. A record finds its own by number, without hashing.
struct Positions {
    private(set) var all: [Position] = []
    /// Where a partition stands in `all`, by topic and number.
    private var ticks: [Int?] = []
    private var gaps: [Int?] = []

    init() {}

    /// - Parameter stored: what the database has; nothing for partitions that are new.
    init(_ partitions: [TopicPartition], of topics: Topics, stored: [TopicPartition: StoredPosition]) {
        for partition in partitions {
            guard let source = topics.source(of: partition), partition.partition >= 0 else { continue }
            let (number, index) = (Int(partition.partition), all.count)
            all.append(Position(partition, stored: stored[partition]))
            switch source {
            case .ticks: Self.set(index, at: number, in: &ticks)
            case .gaps: Self.set(index, at: number, in: &gaps)
            }
        }
    }

    private static func set(_ index: Int, at number: Int, in slots: inout [Int?]) {
        if slots.count <= number { slots += Array(repeating: nil, count: number + 1 - slots.count) }
        slots[number] = index
    }

    /// The index in ``all`` of a partition; nil for one that is not this consumer's.
    func index(of source: Source, _ partition: Int32) -> Int? {
        let slots = source == .ticks ? ticks : gaps
        guard partition >= 0, Int(partition) < slots.count else { return nil }
        return slots[Int(partition)]
    }

    subscript(index: Int) -> Position {
        get { all[index] }
        _modify { yield &all[index] }
    }

    /// The partitions of which the database has to hear.
    var news: [Position] { all.filter(\.hasNews) }

    mutating func reachedEnd(of source: Source, _ partition: Int32, at offset: Int64) {
        if let index = index(of: source, partition) { all[index].reachedEnd(at: offset) }
    }

    mutating func learn(_ ends: [TopicPartition: PartitionEnd]) {
        for index in all.indices {
            if let end = ends[all[index].partition] { all[index].learn(end) }
        }
    }

    mutating func written() {
        for index in all.indices { all[index].written() }
    }
}
