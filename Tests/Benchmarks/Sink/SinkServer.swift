import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOPosix
import TestSupport

/// A BigQuery that accepts rows and discards them, as fast as it can. It says of an hour what it was told before,
/// so that it need not look into what it gets: on one machine that would be paid by the one that is measured.
struct SinkServer {
    let port: Int
    private let channel: any Channel

    init(_ book: SinkBook) async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 1 << 17))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: false)
                    if book.countsRows {
                        try channel.pipeline.syncOperations.addHandler(NIOHTTPRequestDecompressor(limit: .none))
                    }
                    try channel.pipeline.syncOperations.addHandler(SinkHandler(book))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = channel.localAddress?.port else { throw SetupError("the sink has no port") }
        self.port = port
    }
}

private final class SinkHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let book: SinkBook
    private var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
    private var receivedBytes = 0
    /// What is not discarded.
    private var kept: [UInt8] = []
    private var isInsert = false
    private var isKept = true

    init(_ book: SinkBook) { self.book = book }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            isInsert = head.uri.contains("/insertAll")
            isKept = isInsert ? book.insertBegins() : true
            receivedBytes = 0
            kept.removeAll(keepingCapacity: true)
        case .body(let part):
            receivedBytes += part.readableBytes
            if isKept { kept.append(contentsOf: part.readableBytesView) }
        case .end:
            answer(context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ context: ChannelHandlerContext) {
        if isInsert {
            book.insertEnds(bytes: receivedBytes, body: kept, encoding: head.headers.first(name: "Content-Encoding"))
        }
        let text = isInsert ? SinkBook.inserted : book.answer(head.method.rawValue, head.uri, kept)
        let headers: HTTPHeaders = ["Content-Type": "application/json", "Content-Length": "\(text.utf8.count)"]
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(string: text)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
