import Foundation

/// Consumer groups. Their progress is kept in the database; here it is taken and forgotten.
extension MemoryBroker {
    func coordinator() -> WireWriter {
        var answer = WireWriter()
        answer.int16(0)
        answer.int32(1)
        answer.string("127.0.0.1")
        answer.int32(Int32(port))
        return answer
    }

    func join(_ body: inout WireReader) throws -> WireWriter {
        let group = try body.string()
        _ = try body.int32()
        var member = try body.string()
        _ = try body.string()
        let protocols = try body.array { body throws(WireReader.Truncated) in
            (name: try body.string(), metadata: Array(try body.byteString()))
        }
        if member.isEmpty {
            state.nextMember += 1
            member = "member-\(state.nextMember)"
        }
        state.groups[group, default: ConsumerGroup()].join(member, protocols.first?.metadata ?? [], now: Date())
        turn.broadcast()
        let result = waiting { $0.groups[group]?.membership(of: member, now: Date()) ?? .error(.unknownMember) }
        turn.broadcast()
        var answer = WireWriter()
        answer.int16(result.code.rawValue)
        answer.int32(result.value?.generation ?? -1)
        answer.string(protocols.first?.name ?? "")
        answer.string(result.value?.leader ?? "")
        answer.string(member)
        let told = result.value.map { $0.leader == member ? $0.members : [:] } ?? [:]
        answer.array(told.sorted { $0.key < $1.key }) { answer, other in
            answer.string(other.key)
            answer.byteString(other.value)
        }
        return answer
    }

    func sync(_ body: inout WireReader) throws -> WireWriter {
        let (group, generation, member) = try membership(&body)
        let shares = try body.array { body throws(WireReader.Truncated) in
            (try body.string(), Array(try body.byteString()))
        }
        state.groups[group]?.share(Dictionary(shares) { $1 }, generation: generation)
        turn.broadcast()
        let result = waiting {
            $0.groups[group]?.share(of: member, generation: generation, now: Date()) ?? .error(.unknownMember)
        }
        var answer = WireWriter()
        answer.int16(result.code.rawValue)
        answer.byteString(result.value ?? [])
        return answer
    }

    func heartbeat(_ body: inout WireReader) throws -> WireWriter {
        let (group, generation, member) = try membership(&body)
        let code = state.groups[group].map { $0.state(of: member, generation: generation) } ?? .unknownMember
        var answer = WireWriter()
        answer.int16((code ?? .none).rawValue)
        return answer
    }

    func leave(_ body: inout WireReader) throws -> WireWriter {
        let group = try body.string()
        state.groups[group]?.leave(try body.string(), now: Date())
        turn.broadcast()
        var answer = WireWriter()
        answer.int16(0)
        return answer
    }

    private func membership(_ body: inout WireReader) throws -> (group: String, generation: Int32, member: String) {
        (try body.string(), try body.int32(), try body.string())
    }

    /// Asks until there is an answer; others have their turn meanwhile.
    private func waiting<Value>(
        _ ask: (inout State) -> ConsumerGroup.Answer<Value>
    ) -> (code: KafkaCode, value: Value?) {
        let limit = Date() + 60
        while true {
            switch ask(&state) {
            case .now(let value): return (.none, value)
            case .error(let code): return (code, nil)
            case .wait(let end):
                if Date() > limit { return (.rebalanceInProgress, nil) }
                _ = turn.wait(until: end)
            }
        }
    }

    func commit(_ body: inout WireReader) throws -> WireWriter {
        _ = try membership(&body)
        _ = try body.int64()
        return try forEachPartition(&body) { body throws(WireReader.Truncated) in
            let partition = try body.int32()
            _ = try body.int64()
            _ = try body.string()
            return partition
        } answer: { answer, partition in
            answer.int32(partition)
            answer.int16(0)
        }
    }

    func committed(_ body: inout WireReader) throws -> WireWriter {
        _ = try body.string()
        return try forEachPartition(&body) { body throws(WireReader.Truncated) in
            try body.int32()
        } answer: { answer, partition in
            answer.int32(partition)
            answer.int64(-1)
            answer.string("")
            answer.int16(0)
        }
    }

    private func forEachPartition(
        _ body: inout WireReader, _ read: (inout WireReader) throws(WireReader.Truncated) -> Int32,
        answer write: (inout WireWriter, Int32) -> Void
    ) throws -> WireWriter {
        let topics = try body.array { body throws(WireReader.Truncated) in
            (name: try body.string(), partitions: try body.array(read))
        }
        var answer = WireWriter()
        answer.array(topics) { answer, topic in
            answer.string(topic.name)
            answer.array(topic.partitions, write)
        }
        return answer
    }
}
