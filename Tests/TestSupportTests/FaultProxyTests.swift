import NIOCore
import NIOPosix
import Testing

@testable import TestSupport

/// A client and a target that echoes, with a proxy between them.
@Suite struct FaultProxyTests {
    private let limit = Duration.seconds(60)

    @Test("Without a fault every byte passes in both directions, and the end of one side reaches the other")
    func passes() async throws {
        try await withProxy { proxy, echo in
            let client = try await ProxyClient.connect(proxy.port)
            let sent = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            client.send(sent)
            let state = try await client.state.wait(within: limit) { $0.bytes.count == sent.count }
            #expect(state.bytes == sent)
            await client.close()
            try await proxy.observed.wait(within: limit) { $0.openCount == 0 }
            try await echo.observed.wait(within: limit) { $0 == 0 }
            #expect(proxy.observed.value.bytesToTarget == sent.count)
        }
    }

    @Test("A cut ends all connections and the next one works", arguments: [FaultProxy.Ending.finish, .reset])
    func cut(_ ending: FaultProxy.Ending) async throws {
        try await withProxy { proxy, echo in
            let client = try await ProxyClient.connected(proxy.port)
            try await proxy.cut(ending)
            let state = try await client.state.wait(within: limit) { $0.isClosed }
            #expect(state.wasReset == (ending == .reset))
            try await echo.observed.wait(within: limit) { $0 == 0 }
            await (try await ProxyClient.connected(proxy.port)).close()
        }
    }

    @Test("While it refuses, nobody connects and open connections stay; then the same port works again")
    func refusing() async throws {
        try await withProxy { proxy, _ in
            let client = try await ProxyClient.connected(proxy.port)
            try await proxy.setRefusing(true)
            await #expect(throws: (any Error).self) { try await ProxyClient.connect(proxy.port) }
            client.send("more")
            try await client.state.wait(within: limit) { $0.text == "hello, more" }
            try await proxy.setRefusing(false)
            await (try await ProxyClient.connected(proxy.port)).close()
            await client.close()
        }
    }

    @Test("A stall holds the bytes, also of who connects meanwhile; after it they arrive")
    func stallAndGoOn() async throws {
        try await withProxy { proxy, echo in
            let client = try await ProxyClient.connected(proxy.port)
            try await proxy.stall()
            client.send("held")
            let other = try await ProxyClient.connect(proxy.port)
            other.send("also")
            await #expect(throws: (any Error).self) {
                try await client.state.wait(within: .milliseconds(100)) { $0.text != "hello, " }
            }
            #expect(echo.observed.value == 1)
            try await proxy.recover(.goingOn)
            try await client.state.wait(within: limit) { $0.text == "hello, held" }
            try await other.state.wait(within: limit) { $0.text == "also" }
            await client.close()
            await other.close()
        }
    }

    @Test("A network that forgets leaves old connections silent and open, and takes new ones")
    func stallAndForget() async throws {
        try await withProxy { proxy, _ in
            let client = try await ProxyClient.connected(proxy.port)
            try await proxy.stall()
            try await proxy.recover(.forgetting)
            client.send("lost")
            await (try await ProxyClient.connected(proxy.port)).close()
            await #expect(throws: (any Error).self) {
                try await client.state.wait(within: .milliseconds(100)) { $0.isClosed || $0.text != "hello, " }
            }
            await client.close()
        }
    }

    @Test("Who asked for a connection during the stall of a network that forgets gets it all the same")
    func connectedLater() async throws {
        try await withProxy { proxy, _ in
            try await proxy.stall()
            let client = try await ProxyClient.connect(proxy.port)
            try await proxy.observed.wait(within: limit) { $0.acceptedCount == 1 }
            try await proxy.recover(.forgetting)
            client.send("hello, ")
            try await client.state.wait(within: limit) { $0.text == "hello, " }
            await client.close()
        }
    }

    @Test(
        "It gets it when TCP asks again: after 1, 3, 7, 15 … seconds",
        arguments: [(0, 1), (2, 3), (3, 3), (4, 7), (16, 31)])
    func nextRequest(now: Int64, next: Int64) {
        let start = NIODeadline.uptimeNanoseconds(5)
        #expect(FaultProxy.nextRequest(at: start + .seconds(now), since: start) == start + .seconds(next))
    }

    @Test("During a stall the news of an end does not pass either")
    func stalledEnd() async throws {
        try await withProxy { proxy, echo in
            let client = try await ProxyClient.connected(proxy.port)
            try await proxy.stall()
            await client.close()
            await #expect(throws: (any Error).self) {
                try await echo.observed.wait(within: .milliseconds(100)) { $0 == 0 }
            }
            try await proxy.recover(.goingOn)
            try await echo.observed.wait(within: limit) { $0 == 0 }
        }
    }

    @Test("One direction can stall alone: the question arrives, the answer does not")
    func oneDirection() async throws {
        try await withProxy { proxy, _ in
            let client = try await ProxyClient.connected(proxy.port)
            let before = proxy.observed.value.bytesToTarget
            try await proxy.stall(.toClient)
            client.send("four")
            try await proxy.observed.wait(within: limit) { $0.bytesToTarget == before + 4 }
            #expect(client.state.value.text == "hello, ")
            try await proxy.recover(.goingOn)
            try await client.state.wait(within: limit) { $0.text == "hello, four" }
            await client.close()
        }
    }

    @Test("A slow line takes the time that its bytes need, a far one the time of the way")
    func slow() async throws {
        try await withProxy { proxy, _ in
            let client = try await ProxyClient.connected(proxy.port)
            try await proxy.set(FaultProxy.Speed(bytesPerSecond: 40_000, latency: .milliseconds(20)))
            let start = ContinuousClock.now
            client.send([UInt8](repeating: 1, count: 8_000))
            try await client.state.wait(within: limit) { $0.bytes.count == 8_007 }
            // 8,000 bytes take 200 ms on the way there; the first of them come back at once behind each other.
            #expect(ContinuousClock.now - start >= .milliseconds(240))
            await client.close()
        }
    }

    @Test("A trap cuts before the bytes that it waits for: they do not arrive, what was before them does")
    func trapBefore() async throws {
        try await withProxy { proxy, echo in
            let client = try await ProxyClient.connected(proxy.port)
            let before = proxy.observed.value.bytesToTarget
            try await proxy.set(FaultProxy.Trap("COMMIT", .toTarget, .beforeForwarding))
            client.send("rows, CO")
            try await client.state.wait(within: limit) { $0.text == "hello, rows, CO" }
            client.send("MMIT;")
            try await client.state.wait(within: limit) { $0.isClosed }
            try await echo.observed.wait(within: limit) { $0 == 0 }
            let observed = proxy.observed.value
            #expect(observed.bytesToTarget == before + 8 && observed.trappedCount == 1)
        }
    }

    @Test("A trap can cut behind the bytes: they arrive, and their answer does not")
    func trapAfter() async throws {
        try await withProxy { proxy, echo in
            let client = try await ProxyClient.connected(proxy.port)
            let before = proxy.observed.value.bytesToTarget
            try await proxy.set(FaultProxy.Trap("COMMIT", .toTarget, .afterForwarding, ending: .finish))
            client.send("rows, COMMIT;")
            let state = try await client.state.wait(within: limit) { $0.isClosed }
            #expect(state.text == "hello, ")
            try await echo.observed.wait(within: limit) { $0 == 0 }
            #expect(proxy.observed.value.bytesToTarget == before + 13)
            await (try await ProxyClient.connected(proxy.port)).close()
        }
    }

    @Test("When nobody listens at the target, the client's connection ends")
    func noTarget() async throws {
        let proxy = try await FaultProxy.start(to: try freePort())
        // The end can come before the client knows that it is connected.
        if let client = try? await ProxyClient.connect(proxy.port) {
            try await client.state.wait(within: limit) { $0.isClosed }
        }
        try await proxy.observed.wait(within: limit) { $0.acceptedCount == 1 && $0.openCount == 0 }
        await proxy.stop()
    }

    private func withProxy(_ body: (FaultProxy, EchoServer) async throws -> Void) async throws {
        let echo = try await EchoServer.start()
        let proxy = try await FaultProxy.start(to: echo.port)
        do {
            try await body(proxy, echo)
        } catch {
            await proxy.stop()
            await echo.stop()
            throw error
        }
        await proxy.stop()
        await echo.stop()
    }
}

/// Sends back what it gets.
private final class EchoServer: Sendable {
    let port: Int
    /// Open connections.
    let observed: WatchedValue<Int>
    private let channel: any Channel

    static func start() async throws -> EchoServer {
        let observed = WatchedValue(0)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                observed.update { $0 += 1 }
                channel.closeFuture.whenComplete { _ in observed.update { $0 -= 1 } }
                return channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return EchoServer(channel, observed)
    }

    private init(_ channel: any Channel, _ observed: WatchedValue<Int>) {
        self.channel = channel
        self.observed = observed
        port = channel.localAddress?.port ?? 0
    }

    func stop() async { try? await channel.close() }

    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.writeAndFlush(data, promise: nil) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

/// Keeps what comes back.
private final class ProxyClient: Sendable {
    struct State: Sendable {
        var bytes: [UInt8] = []
        var isClosed = false
        var wasReset = false
        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    let state = WatchedValue(State())
    private let channel: any Channel

    static func connect(_ port: Int) async throws -> ProxyClient {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        let client = ProxyClient(channel)
        try await channel.pipeline.addHandler(Reader(client.state)).get()
        return client
    }

    /// A client whose first words came back.
    static func connected(_ port: Int) async throws -> ProxyClient {
        let client = try await connect(port)
        client.send("hello, ")
        try await client.state.wait { $0.text == "hello, " }
        return client
    }

    private init(_ channel: any Channel) { self.channel = channel }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

    func close() async { try? await channel.close() }

    private final class Reader: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        private let state: WatchedValue<State>

        init(_ state: WatchedValue<State>) { self.state = state }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            state.update { $0.bytes += bytes.readableBytesView }
        }

        func channelInactive(context: ChannelHandlerContext) { state.update { $0.isClosed = true } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if (error as? IOError)?.errnoCode == ECONNRESET { state.update { $0.wasReset = true } }
            context.close(promise: nil)
        }
    }
}
