extension KafkaSettings {
    /// What the service needs of Kafka: a broker that answers, and the topic; `.gaps` comes by itself.
    ///
    /// - Parameters:
    ///   - servers: as the setting names them.
    ///   - partitions: how many each topic of the cluster has.
    package static func findings(
        servers: String, topic: String, gapsTopic: String, brokers: Int, partitions: [String: Int]
    ) -> [Finding] {
        let cluster = Finding.works("Kafka", "\(servers): \(brokers == 1 ? "1 broker" : "\(brokers) brokers")")
        guard let count = partitions[topic] else {
            let missing = Finding.unavailable(
                "Kafka topic", "there is no \(topic), or no right to see it",
                next: "Create it, with as many partitions as you want consumers, ever")
            return [cluster, missing]
        }
        let ticks = Finding.works("Kafka topic", "\(topic): \(count == 1 ? "1 partition" : "\(count) partitions")")
        let gaps =
            partitions[gapsTopic] == nil
            ? Finding.note(
                "Kafka topic", "there is no \(gapsTopic) yet",
                next: "The producer asks for it with the first gap; create it where it may not")
            : Finding.works("Kafka topic", gapsTopic)
        return [cluster, ticks, gaps]
    }

    /// - Parameter needsPerson: the broker was reached, and refuses the login or the certificate.
    package static func failure(servers: String, reason: String, needsPerson: Bool) -> Finding {
        needsPerson
            ? .misconfigured(
                "Kafka", "\(servers): \(reason)",
                next: "See KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_… and KAFKA_SSL_CA_LOCATION")
            : .unavailable("Kafka", "\(servers): \(reason)", next: "Start the brokers, or see KAFKA_SERVERS")
    }
}
