import CRDKafka
import Testing

@testable import Kafka

@Suite("What a producer is told when its user says nothing")
struct DefaultsTests {
    /// As librdkafka has it.
    private func value(of property: String, _ producer: KafkaProducer) -> String {
        var text = [CChar](repeating: 0, count: 512)
        var size = text.count
        guard rd_kafka_conf_get(rd_kafka_conf(producer.handle.client), property, &text, &size) == RD_KAFKA_CONF_OK
        else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test("A broker that comes back is found within a second, unless the user wants it otherwise")
    func reconnect() throws {
        let name = "reconnect.backoff.max.ms"
        #expect(value(of: name, try KafkaProducer(topic: "t", properties: [])) == "1000")
        #expect(value(of: name, try KafkaProducer(topic: "t", properties: [(name, "7000")])) == "7000")
        let own = try KafkaProducer(topic: "t", properties: [("reconnect.backoff.ms", "5000")])
        #expect(value(of: name, own) == "10000")
    }
}
