import CRDKafka
import Kafka

/// librdkafka's mock cluster: brokers that speak Kafka's protocol over TCP, also to other processes.
///
/// It lives as long as this object and keeps everything in memory. **Each partition holds 5 MiB (or
/// 100,000 batches) and then drops its oldest records without a word**: give a topic enough
/// partitions for what is in flight, and look at ``droppedRecords(topic:partitions:)`` at the end.
package final class MockCluster: @unchecked Sendable {
    /// For `bootstrap.servers`.
    package let bootstrapServers: String
    private let client: OpaquePointer
    private let cluster: OpaquePointer
    /// Those that lead partitions; numbered from 1.
    private let brokers: Int
    private let hasCoordinator: Bool

    /// - Parameters:
    ///   - brokers: that lead partitions.
    ///   - group: is coordinated by one broker more, which leads nothing of ``createTopic(_:partitions:)`` and
    ///     is never down. The mock cluster aborts (librdkafka 2.0.2, `!member->resp`) when a member loses its
    ///     coordinator while it waits for an answer of it, and comes again.
    package init(brokers: Int = 1, coordinating group: String? = nil) throws {
        // The cluster runs inside a client; this one does nothing else.
        let configuration = rd_kafka_conf_new()
        // It has no servers, which is worth a warning anywhere else.
        rd_kafka_conf_set(configuration, "log_level", "3", nil, 0)
        guard let configuration,
            let client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, nil, 0)
        else { throw SetupError("librdkafka cannot start a client") }
        let coordinator = brokers + 1
        guard let cluster = rd_kafka_mock_cluster_new(client, CInt(group == nil ? brokers : coordinator)),
            let servers = rd_kafka_mock_cluster_bootstraps(cluster)
        else {
            rd_kafka_destroy(client)
            throw SetupError("librdkafka cannot start a mock cluster")
        }
        self.client = client
        self.cluster = cluster
        self.brokers = brokers
        hasCoordinator = group != nil
        bootstrapServers = String(cString: servers)
        if let group { rd_kafka_mock_coordinator_set(cluster, "group", group, Int32(coordinator)) }
    }

    deinit {
        rd_kafka_mock_cluster_destroy(cluster)
        rd_kafka_destroy(client)
    }

    package func createTopic(_ name: String, partitions: Int) throws {
        let error = rd_kafka_mock_topic_create(cluster, name, CInt(partitions), 1)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { throw SetupError("topic \(name): error \(error.rawValue)") }
        guard hasCoordinator else { return }
        for partition in 0..<partitions { setLeader(name, partition: partition, broker: 1 + partition % brokers) }
    }

    /// Makes the brokers say that they do not know the topic, until it is shown again. Left alone they
    /// create whatever topic somebody asks for.
    package func hideTopic(_ name: String) {
        rd_kafka_mock_topic_set_error(cluster, name, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    }

    package func showTopic(_ name: String) {
        rd_kafka_mock_topic_set_error(cluster, name, RD_KAFKA_RESP_ERR_NO_ERROR)
    }

    /// Makes another broker, counted from 1, the leader of a partition.
    package func setLeader(_ topic: String, partition: Int, broker: Int) {
        rd_kafka_mock_partition_set_leader(cluster, topic, Int32(partition), Int32(broker))
    }

    /// Cuts the connections of a broker, from 1, or of all that lead partitions, and refuses new ones until
    /// ``setUp(_:)``.
    package func setDown(_ broker: Int? = nil) {
        for broker in numbers(broker) { rd_kafka_mock_broker_set_down(cluster, broker) }
    }

    /// Why a broker refuses records for good.
    package enum Refusal {
        case unauthorized
        /// Of these one record of a batch is enough, and all of it is refused.
        case tooLarge, batchTooLarge, invalidTimestamp, invalidRecord

        fileprivate var code: rd_kafka_resp_err_t {
            switch self {
            case .unauthorized: RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
            case .tooLarge: RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
            case .batchTooLarge: RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE
            case .invalidTimestamp: RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP
            case .invalidRecord: RD_KAFKA_RESP_ERR_INVALID_RECORD
            }
        }
    }

    /// Answers the next `count` produce requests with an error that no retry mends.
    package func refuseRecords(_ count: Int, _ refusal: Refusal = .unauthorized) {
        let produceRequest: Int16 = 0
        var errors = [rd_kafka_resp_err_t](repeating: refusal.code, count: count)
        rd_kafka_mock_push_request_errors_array(cluster, produceRequest, count, &errors)
    }

    package func setUp(_ broker: Int? = nil) {
        for broker in numbers(broker) { rd_kafka_mock_broker_set_up(cluster, broker) }
    }

    private func numbers(_ broker: Int?) -> [Int32] { broker.map { [Int32($0)] } ?? (1...Int32(brokers)).map { $0 } }

    /// Every answer takes so much longer.
    package func setDelay(milliseconds: Int) { rd_kafka_mock_broker_set_rtt(cluster, -1, Int32(milliseconds)) }
}
