import Kafka
import Market
import Runtime

extension ProducerSettings {
    func checks() -> [Check] {
        [
            Check("exchange", at: "\(webSocket)") { limit in
                let thread = DedicatedThread(name: "exchange")
                return await (try? thread.run { ExchangeProbe.findings(self, within: limit) }) ?? []
            },
            Check("Kafka", at: servers) { limit in
                let thread = DedicatedThread(name: "kafka")
                return await (try? thread.run { kafkaFindings(within: limit) }) ?? []
            },
            Check("spool", at: spoolDirectory) { _ in
                SpoolProbe(spoolDirectory, limits: Spool.Limits(bytes: spoolLimitBytes, frameBytes: frameLimitBytes))
                    .findings()
            },
        ]
    }

    private var servers: String { kafka.first { $0.name == "bootstrap.servers" }?.value ?? "" }

    private func kafkaFindings(within limit: Duration) -> [Finding] {
        do {
            let cluster = try makeProbe().cluster(within: limit)
            return KafkaSettings.findings(
                servers: servers, topic: topic, gapsTopic: topic + Gap.topicSuffix, brokers: cluster.brokers,
                partitions: cluster.partitions)
        } catch let error as KafkaError {
            return [KafkaSettings.failure(servers: servers, reason: error.reason, needsPerson: error.needsPerson)]
        } catch {
            return [.misconfigured("Kafka", "\(error)")]
        }
    }
}
