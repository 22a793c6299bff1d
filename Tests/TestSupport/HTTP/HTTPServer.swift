import Glibc
import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOPosix

/// A small HTTP/1.1 server on 127.0.0.1, for the fakes of services that are spoken to over HTTP.
package final class HTTPServer: Sendable {
    package let port: Int
    private let channel: any Channel

    /// Listens on a free port.
    ///
    /// - Parameters:
    ///   - port: 0 takes a free one.
    ///   - bodyLimitBytes: a longer body is answered with `tooLarge`, and not kept.
    ///   - answer: called for each request, concurrently.
    package init(
        port: Int = 0, bodyLimitBytes: Int, tooLarge: HTTPResponse,
        answer: @escaping @Sendable (HTTPRequest) async -> HTTPResponse
    ) async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(NIOHTTPRequestDecompressor(limit: .none))
                    try pipeline.addHandler(
                        RequestCollector(bodyLimitBytes: bodyLimitBytes, tooLarge: tooLarge, answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        guard let bound = channel.localAddress?.port else { throw SetupError("the HTTP server has no port") }
        self.port = bound
    }

    package func stop() async throws { try await channel.close() }
}

/// Puts a request together and writes its response. Lives on its connection's event loop.
private final class RequestCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let bodyLimitBytes: Int
    private let tooLarge: HTTPResponse
    private let answer: @Sendable (HTTPRequest) async -> HTTPResponse
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var receivedBytes = 0

    init(
        bodyLimitBytes: Int, tooLarge: HTTPResponse, answer: @escaping @Sendable (HTTPRequest) async -> HTTPResponse
    ) {
        self.bodyLimitBytes = bodyLimitBytes
        self.tooLarge = tooLarge
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            receivedBytes = 0
            body.removeAll(keepingCapacity: true)
        case .body(let part):
            receivedBytes += part.readableBytes
            if receivedBytes <= bodyLimitBytes { body.append(contentsOf: part.readableBytesView) }
        case .end:
            guard let head else { return }
            self.head = nil
            // The rest of a body that is too long is read and dropped: closing on a client that still
            // sends would reset the connection, and the answer with it.
            guard receivedBytes <= bodyLimitBytes else { return write(tooLarge, to: context, keepAlive: false) }
            respond(to: request(head), keepAlive: head.isKeepAlive, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func request(_ head: HTTPRequestHead) -> HTTPRequest {
        let parts = head.uri.split(separator: "?", maxSplits: 1)
        var headers: [String: String] = [:]
        for header in head.headers { headers[header.name.lowercased()] = header.value }
        return HTTPRequest(
            method: head.method.rawValue, path: (parts.first ?? "").split(separator: "/").map { percentDecoded($0) },
            query: parts.count == 2 ? HTTPRequest.form(parts[1]) : [:], headers: headers, body: body)
    }

    private func respond(to request: HTTPRequest, keepAlive: Bool, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let loop = context.eventLoop
        Task { [answer] in
            let response = await answer(request)
            loop.execute {
                let (handler, context) = bound.value
                handler.write(response, to: context, keepAlive: keepAlive)
            }
        }
    }

    private func write(_ response: HTTPResponse, to context: ChannelHandlerContext, keepAlive: Bool) {
        guard context.channel.isActive else { return }
        let channel = context.channel
        var headers = HTTPHeaders(response.headers.map { ($0.name, $0.value) })
        headers.replaceOrAdd(name: "Content-Length", value: String(response.body.count))
        if !keepAlive { headers.replaceOrAdd(name: "Connection", value: "close") }
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: response.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        let sent = response.ending == .reset ? response.body.prefix(response.body.count / 2) : response.body[...]
        let part = wrapOutboundOut(.body(.byteBuffer(channel.allocator.buffer(bytes: sent))))
        if response.ending == .reset {
            context.writeAndFlush(part).whenComplete { _ in reset(channel) }
        } else {
            context.write(part, promise: nil)
            let ended = context.writeAndFlush(wrapOutboundOut(.end(nil)))
            if !keepAlive { ended.whenComplete { _ in channel.close(promise: nil) } }
        }
    }
}

/// Closes with RST instead of FIN: what a client sees when the server dies.
private func reset(_ channel: any Channel) {
    guard let options = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
    options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
}
