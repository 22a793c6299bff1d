package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// The small HTTP server of the admin port.
///
/// Whatever is sent to it, the service goes on: it has one thread, answers one small request a connection, and
/// holds a few connections for a few seconds. SwiftNIO, since it is there anyway and needs no Foundation.
package struct AdminServer: Sendable {
    private let settings: AdminSettings
    private let pages: AdminPages
    private let logger: Logger

    /// Listens to nobody yet.
    package init(_ settings: AdminSettings, _ pages: AdminPages, logger: Logger) {
        self.settings = settings
        self.pages = pages
        self.logger = logger
    }

    /// Answers for as long as `body` runs.
    ///
    /// - Throws: what `body` throws; ``Failure`` when somebody chose a place that cannot be listened on.
    package func serving<Result>(during body: () async throws -> Result) async throws -> Result {
        guard let port = settings.port else { return try await body() }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let result: Swift.Result<Result, any Error>
        do {
            try await listen(group, port: port)
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        // Ends its connections and its thread, too.
        try? await group.shutdownGracefully()
        return try result.get()
    }

    private func listen(_ group: MultiThreadedEventLoopGroup, port: Int) async throws {
        let place = settings.address.contains(":") ? "[\(settings.address)]:\(port)" : "\(settings.address):\(port)"
        do {
            try await Self.bind(pages, group, settings.address, port)
            logger.info("admin port", metadata: ["admin.url": "http://\(place)"])
        } catch {
            let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
            guard !settings.isChosen else {
                throw Failure(ExitStatus.unavailable, "ADMIN_PORT: cannot listen on \(place): \(reason)")
            }
            logger.warning(
                "no admin port: set ADMIN_PORT to another one, or to 0",
                metadata: ["admin.address": "\(place)", "reason": "\(reason)"])
        }
    }

    private static func bind(
        _ pages: AdminPages, _ group: MultiThreadedEventLoopGroup, _ address: String, _ port: Int
    ) async throws {
        let open = OpenConnections()
        _ = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 16)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4_096))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try open.add(channel)
                    try channel.pipeline.syncOperations.addHandlers([
                        RequestLimit(), HTTPResponseEncoder(), ByteToMessageHandler(HTTPRequestDecoder()),
                        AdminHandler(pages),
                    ])
                }
            }
            .bind(host: address, port: port).get()
    }
}

/// Counts the connections; of more than the limit each new one is closed at once.
private final class OpenConnections: Sendable {
    private let count = Atomic(0)
    private static let limit = 16

    struct Full: Error {}

    func add(_ channel: any Channel) throws {
        // One thread adds, so nobody comes in between.
        guard count.load(ordering: .relaxed) < Self.limit else { throw Full() }
        count.wrappingAdd(1, ordering: .relaxed)
        channel.closeFuture.whenComplete { _ in self.count.wrappingSubtract(1, ordering: .relaxed) }
    }
}

/// Lets the first bytes of a connection through; more than a request needs are an error, once, and dropped.
private final class RequestLimit: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    static let bytes = 8_192
    private var received = 0

    struct Exceeded: Error {}

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let isFirst = received <= Self.bytes
        received += unwrapInboundIn(data).readableBytes
        if received <= Self.bytes {
            context.fireChannelRead(data)
        } else if isFirst {
            context.fireErrorCaught(Exceeded())
        }
    }
}

/// Answers the one request of a connection, and closes it.
private final class AdminHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let pages: AdminPages
    private var isAnswered = false
    private var alarm: Scheduled<Void>?

    /// How long a connection may last, from its beginning until its client has taken the answer and closed it.
    private static let limit = TimeAmount.seconds(10)

    init(_ pages: AdminPages) { self.pages = pages }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        alarm = context.eventLoop.scheduleTask(in: Self.limit) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { alarm?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = unwrapInboundIn(data) else { return }
        let answer = pages.answer(method: head.method.rawValue, target: head.uri)
        write(answer, withBody: head.method != .HEAD, to: context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case is RequestLimit.Exceeded:
            write(.init(status: 431, body: "A request has at most \(RequestLimit.bytes) bytes.\n"), to: context)
        case is HTTPParserError: write(.init(status: 400, body: "This is not HTTP.\n"), to: context)
        default: context.close(promise: nil)
        }
    }

    private func write(_ answer: AdminPages.Answer, withBody: Bool = true, to context: ChannelHandlerContext) {
        guard !isAnswered else { return }
        isAnswered = true
        let body = context.channel.allocator.buffer(string: answer.body)
        var headers: HTTPHeaders = [
            "Content-Type": answer.contentType, "Content-Length": "\(body.readableBytes)", "Connection": "close",
            "Cache-Control": "no-store",
        ]
        if let allow = answer.allow { headers.add(name: "Allow", value: allow) }
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if withBody { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        let channel = context.channel
        // Only our half: closing under a client that still sends would take the answer back. The client closes the
        // other one, or the alarm does.
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenSuccess { channel.close(mode: .output, promise: nil) }
    }
}
