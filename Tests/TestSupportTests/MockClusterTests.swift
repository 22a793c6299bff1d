import NIOCore
import NIOPosix
import TestSupport
import Testing

@Suite struct MockClusterTests {
    @Test("All brokers can be down but the one that coordinates the group")
    func coordinator() async throws {
        let cluster = try MockCluster(brokers: 2, coordinating: "group")
        try cluster.createTopic("topic", partitions: 4)
        let ports = cluster.bootstrapServers.split(separator: ",").compactMap { $0.split(separator: ":").last }
            .compactMap { Int($0) }
        try #require(ports.count == 3)
        #expect(await open(ports) == [true, true, true])
        cluster.setDown()
        #expect(await open(ports) == [false, false, true])
        cluster.setUp()
        #expect(await open(ports) == [true, true, true])
    }

    private func open(_ ports: [Int]) async -> [Bool] {
        var isOpen: [Bool] = []
        for port in ports {
            let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            let channel = try? await bootstrap.connect(host: "127.0.0.1", port: port).get()
            isOpen.append(channel != nil)
            try? await channel?.close()
        }
        return isOpen
    }
}
