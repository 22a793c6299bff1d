import Glibc
import Runtime
import TestSupport

/// Takes brokers away, and looks that they are.
struct BrokerOutages: Sendable {
    private let broker: Broker
    private let ports: [UInt16]
    private let thread = DedicatedThread(name: "brokers")

    private static let limit = Duration.seconds(5)

    init(_ broker: Broker) {
        self.broker = broker
        ports = broker.servers.split(separator: ",").compactMap { $0.split(separator: ":").last.flatMap { UInt16($0) } }
    }

    /// Takes a broker away, or with nil all of them that lead partitions, while `body` works.
    ///
    /// - Returns: whether nobody answered there.
    func away(_ number: Int?, while body: () async throws -> Void) async throws -> Bool {
        broker.perform(.down(broker: number))
        let isAway = await isAway(number)
        try await body()
        broker.perform(.up(broker: number))
        return isAway
    }

    /// Returns when a broker that was told to go away is away, or false when that takes too long.
    func isAway(_ number: Int?) async -> Bool {
        let asked = number.map { [ports[$0 - 1]] } ?? Array(ports.prefix(FaultRound.brokerCount))
        let end = ContinuousClock.now + Self.limit
        while ContinuousClock.now < end {
            let isAway = try? await thread.run { asked.allSatisfy { !answers($0) } }
            if isAway == true { return true }
        }
        return false
    }
}

/// Whether a connection to a port of 127.0.0.1 stays open. A broker of librdkafka's that is down accepts it, and
/// closes it at once. Blocks for a moment.
private func answers(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let isConnected = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
    guard isConnected else { return false }
    var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    // It says nothing by itself, so there is something to read only at the end.
    return poll(&ready, 1, 50) == 0
}
