import Foundation

/// What topics there are.
extension MemoryBroker {
    func metadata(_ body: inout WireReader) throws -> WireWriter {
        let named = try body.array { body throws(WireReader.Truncated) in try body.string() }
        let names = named.isEmpty ? state.topics.keys.sorted() : named
        var answer = WireWriter()
        answer.int32(0)
        answer.array([port]) { answer, port in
            answer.int32(1)
            answer.string("127.0.0.1")
            answer.int32(Int32(port))
            answer.string(nil)
        }
        answer.string("memory")
        answer.int32(1)
        answer.array(names) { [topics = state.topics] answer, name in
            answer.int16((topics[name] == nil ? KafkaCode.unknownTopic : .none).rawValue)
            answer.string(name)
            answer.int8(0)
            answer.array((topics[name] ?? []).indices) { answer, partition in
                answer.int16(0)
                answer.int32(Int32(partition))
                answer.int32(1)
                answer.array([Int32(1)]) { $0.int32($1) }
                answer.array([Int32(1)]) { $0.int32($1) }
            }
        }
        return answer
    }

    package func createTopic(_ name: String, partitions: Int) {
        turn.lock()
        defer { turn.unlock() }
        state.topics[name] = Array(repeating: PartitionLog(), count: partitions)
    }

    /// Gives a topic more partitions, so that it has `count`. Clients see it when they ask the next time.
    package func addPartitions(to name: String, count: Int) {
        turn.lock()
        defer { turn.unlock() }
        guard let missing = state.topics[name].map({ count - $0.count }), missing > 0 else { return }
        state.topics[name]? += Array(repeating: PartitionLog(), count: missing)
    }

    func createTopics(_ body: inout WireReader) throws -> WireWriter {
        let wanted = try body.array { body throws(WireReader.Truncated) in
            let topic = (name: try body.string(), partitions: try body.int32())
            _ = try body.int16()
            _ = try body.array { body throws(WireReader.Truncated) in
                _ = try body.int32()
                _ = try body.array { body throws(WireReader.Truncated) in try body.int32() }
            }
            _ = try body.array { body throws(WireReader.Truncated) in (try body.string(), try body.string()) }
            return topic
        }
        var answer = WireWriter()
        answer.int32(0)
        answer.array(wanted) { answer, topic in
            let isNew = state.topics[topic.name] == nil
            if isNew {
                state.topics[topic.name] = Array(repeating: PartitionLog(), count: Int(max(1, topic.partitions)))
            }
            answer.string(topic.name)
            answer.int16((isNew ? KafkaCode.none : .topicExists).rawValue)
            answer.string(nil)
        }
        return answer
    }

    func deleteTopics(_ body: inout WireReader) throws -> WireWriter {
        let names = try body.array { body throws(WireReader.Truncated) in try body.string() }
        var answer = WireWriter()
        answer.array(names) { answer, name in
            state.topics[name] = nil
            answer.string(name)
            answer.int16(0)
        }
        return answer
    }

    /// Times before 1970 ask for the beginning (-2) and the end (-1); others are not asked for.
    func offsets(_ body: inout WireReader) throws -> WireWriter {
        _ = try body.int32()
        var answer = WireWriter()
        let topics = try body.array { body throws(WireReader.Truncated) in
            let name = try body.string()
            let partitions = try body.array { body throws(WireReader.Truncated) in
                (number: try body.int32(), time: try body.int64())
            }
            return (name: name, partitions: partitions)
        }
        answer.array(topics) { answer, topic in
            answer.string(topic.name)
            answer.array(topic.partitions) { answer, asked in
                let log = log(topic.name, asked.number)
                answer.int32(asked.number)
                answer.int16((log == nil ? KafkaCode.unknownTopic : .none).rawValue)
                answer.int64(-1)
                answer.int64((asked.time == -2 ? log?.low : log?.high) ?? -1)
            }
        }
        return answer
    }

    func log(_ topic: String, _ partition: Int32) -> PartitionLog? {
        guard let logs = state.topics[topic], logs.indices.contains(Int(partition)) else { return nil }
        return logs[Int(partition)]
    }
}
