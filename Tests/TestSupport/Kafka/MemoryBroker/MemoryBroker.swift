import Foundation

/// A Kafka broker in memory, as lean as one can be, so that it is not what a benchmark measures: it keeps
/// batches as they come and hands them out as they are.
///
/// librdkafka's mock cluster keeps 5 MiB a partition, answers a fetch with one batch of each, and lets the
/// first member of a group wait for 3 s; a benchmark needs millions of records in one partition, and others
/// a broker behind TLS. This one knows what the services and the benchmarks ask, in one version each.
///
/// Each connection has a thread of its own; they take turns.
package final class MemoryBroker: @unchecked Sendable {
    /// A request, up to its body.
    struct Header {
        let api: Int16
        let version: Int16
        let correlation: Int32
    }

    let port: Int
    let keptBytes: Int
    /// Held while `state` is used; told of every change to it.
    let turn = NSCondition()
    var state = State()

    struct State {
        var topics: [String: [PartitionLog]] = [:]
        var groups: [String: ConsumerGroup] = [:]
        var nextMember = 0
        var nextProducer: Int64 = 0
    }

    /// - Parameters:
    ///   - port: where it is reached on 127.0.0.1, as clients are told.
    ///   - keptBytes: what each partition keeps.
    package init(port: Int, keptBytes: Int) {
        self.port = port
        self.keptBytes = keptBytes
    }

    /// The body of the answer; blocks where Kafka's answer comes late, too.
    func answer(_ header: Header, _ body: inout WireReader) throws -> WireWriter {
        guard let api = API(rawValue: header.api) else { throw WireReader.Truncated() }
        turn.lock()
        defer { turn.unlock() }
        switch api {
        case .versions: return versions(header)
        case .metadata: return try metadata(&body)
        case .produce: return try produce(&body)
        case .fetch: return try fetch(&body)
        case .offsets: return try offsets(&body)
        case .coordinator: return coordinator()
        case .join: return try join(&body)
        case .sync: return try sync(&body)
        case .heartbeat: return try heartbeat(&body)
        case .leave: return try leave(&body)
        case .commit: return try commit(&body)
        case .committed: return try committed(&body)
        case .producer: return producer()
        case .createTopics: return try createTopics(&body)
        case .deleteTopics: return try deleteTopics(&body)
        // Of a connection, which is not here.
        case .handshake, .authenticate: throw WireReader.Truncated()
        }
    }

    /// What it knows. A client takes the highest version that both know; the lower ones are named because
    /// librdkafka tells a broker's age by them, and are not understood.
    enum API: Int16, CaseIterable {
        case produce = 0
        case fetch = 1
        case offsets = 2
        case metadata = 3
        case commit = 8
        case committed = 9
        case coordinator = 10
        case join = 11
        case heartbeat = 12
        case leave = 13
        case sync = 14
        case handshake = 17
        case versions = 18
        case createTopics = 19
        case deleteTopics = 20
        case producer = 22
        case authenticate = 36

        var version: Int16 {
            switch self {
            case .produce: 7
            case .fetch: 11
            // From this one on a topic may be asked for with the broker's own number of replicas.
            case .metadata, .createTopics: 4
            case .commit: 2
            // The handshake's tells that its messages come as requests.
            case .offsets, .committed, .handshake: 1
            default: 0
            }
        }
    }

    /// In its first version, whichever was asked for: that is how a broker says which ones it knows.
    private func versions(_ header: Header) -> WireWriter {
        var answer = WireWriter()
        answer.int16((header.version == 0 ? KafkaCode.none : .unsupportedVersion).rawValue)
        answer.array(API.allCases) { answer, api in
            answer.int16(api.rawValue)
            answer.int16(0)
            answer.int16(api.version)
        }
        return answer
    }
}
