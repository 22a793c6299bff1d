import Foundation

/// Records in, records out.
extension MemoryBroker {
    func producer() -> WireWriter {
        state.nextProducer += 1
        var answer = WireWriter()
        answer.int32(0)
        answer.int16(0)
        answer.int64(state.nextProducer)
        answer.int16(0)
        return answer
    }

    func produce(_ body: inout WireReader) throws -> WireWriter {
        _ = try body.string()
        _ = try body.int16()
        _ = try body.int32()
        let topics = try body.array { body throws(WireReader.Truncated) in
            let name = try body.string()
            let batches = try body.array { body throws(WireReader.Truncated) in
                (partition: try body.int32(), bytes: try body.byteString())
            }
            return (name: name, batches: batches)
        }
        var answer = WireWriter()
        answer.array(topics) { answer, topic in
            answer.string(topic.name)
            answer.array(topic.batches) { answer, batch in
                answer.int32(batch.partition)
                let isKnown = state.topics[topic.name]?.indices.contains(Int(batch.partition)) ?? false
                let offset =
                    isKnown
                    ? state.topics[topic.name]?[Int(batch.partition)].append(batch.bytes, limitBytes: keptBytes) : nil
                answer.int16((!isKnown ? KafkaCode.unknownTopic : offset == nil ? .invalidRecord : .none).rawValue)
                answer.int64(offset ?? -1)
                answer.int64(-1)
                answer.int64(0)
            }
        }
        answer.int32(0)
        turn.broadcast()
        return answer
    }

    /// Changes the bytes of a batch, from 0, of a topic's first partition, and leaves its checksum as it was.
    package func damage(_ topic: String, batch: Int, _ change: (inout [UInt8]) -> Void) {
        turn.lock()
        defer { turn.unlock() }
        state.topics[topic]?[0].damage(batch: batch, change)
    }

    /// What one partition is asked for, and what it has.
    private struct Fetch {
        let topic: String
        let partition: Int32
        let offset: Int64
        let limitBytes: Int
        var batches: [[UInt8]] = []
    }

    /// Waits until there is something, as long as the request says.
    func fetch(_ body: inout WireReader) throws -> WireWriter {
        _ = try body.int32()
        let deadline = Date() + Double(try body.int32()) / 1_000
        _ = try body.int32()
        let limitBytes = Int(try body.int32())
        _ = try body.int8()
        _ = try body.int32()
        _ = try body.int32()
        var fetches = try body.array { body throws(WireReader.Truncated) in
            let topic = try body.string()
            return try body.array { body throws(WireReader.Truncated) in
                let partition = try body.int32()
                _ = try body.int32()
                let offset = try body.int64()
                _ = try body.int64()
                return Fetch(
                    topic: topic, partition: partition, offset: offset, limitBytes: Int(try body.int32()))
            }
        }.flatMap { $0 }
        while !fill(&fetches, limitBytes), turn.wait(until: deadline) {}
        return records(fetches)
    }

    /// False when there is nothing for any of them.
    private func fill(_ fetches: inout [Fetch], _ limitBytes: Int) -> Bool {
        var rest = limitBytes
        for index in fetches.indices where rest > 0 {
            let fetch = fetches[index]
            guard let log = log(fetch.topic, fetch.partition), fetch.offset >= log.low, fetch.offset < log.high
            else { continue }
            fetches[index].batches = log.batches(from: fetch.offset, limitBytes: min(rest, fetch.limitBytes))
            rest -= fetches[index].batches.reduce(0) { $0 + $1.count }
        }
        return rest < limitBytes
    }

    private func records(_ fetches: [Fetch]) -> WireWriter {
        var answer = WireWriter()
        answer.int32(0)
        answer.int16(0)
        answer.int32(0)
        // A topic for each partition: clients look at the parts one by one.
        answer.array(fetches) { answer, fetch in
            let log = log(fetch.topic, fetch.partition)
            let isOut = log.map { fetch.offset < $0.low || fetch.offset > $0.high } ?? false
            answer.string(fetch.topic)
            answer.array([fetch]) { answer, fetch in
                answer.int32(fetch.partition)
                answer.int16((log == nil ? KafkaCode.unknownTopic : isOut ? .offsetOutOfRange : .none).rawValue)
                answer.int64(log?.high ?? -1)
                answer.int64(log?.high ?? -1)
                answer.int64(log?.low ?? -1)
                answer.int32(-1)
                answer.int32(-1)
                answer.byteString(joining: fetch.batches)
            }
        }
        return answer
    }
}
