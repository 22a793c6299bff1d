import ArgumentParser
import Glibc
import TestSupport

/// The Kafka of the benchmarks, see ``MemoryBroker``: prints its address and serves until it is ended.
struct BrokerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "broker", shouldDisplay: false)

    @Option(help: "What each partition keeps, in MiB.") var keptMebibytes = 4_096

    func run() throws {
        let server = try BrokerServer()
        print("127.0.0.1:\(server.port)")
        fflush(nil)
        server.run(MemoryBroker(port: server.port, keptBytes: keptMebibytes << 20))
    }
}
