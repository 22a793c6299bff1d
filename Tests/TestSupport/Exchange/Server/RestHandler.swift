import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Answers what is not a WebSocket: the market list, and upgrades that are refused.
final class RestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let core: ExchangeCore
    private var head: HTTPRequestHead?
    /// Set when an upgrade was refused.
    var refusal: HTTPResponseStatus?

    init(core: ExchangeCore) { self.core = core }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end: if let head { answer(head, context) }
        }
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        if case .silentHTTP = core.door { return }
        if let refusal {
            self.refusal = nil
            core.observed.update { $0.refusals.append(Int(refusal.code)) }
            return respond(refusal, Self.error(refusal), head, context)
        }
        core.observed.update { $0.requests.append(head.uri) }
        guard head.uri.split(separator: "?").first == "/v1/market/all" else {
            return respond(.notFound, Self.error(.notFound), head, context)
        }
        switch core.restFaults.isEmpty ? nil : core.restFaults.removeFirst() {
        case .hang: return
        case .garbage: respond(.ok, "<html>maintenance</html>", head, context)
        case .status(let code):
            let status = HTTPResponseStatus(statusCode: code)
            respond(status, Self.error(status), head, context)
        case nil: respond(.ok, Self.list(core.player.session.markets), head, context)
        }
    }

    private func respond(
        _ status: HTTPResponseStatus, _ body: String, _ request: HTTPRequestHead, _ context: ChannelHandlerContext
    ) {
        var headers = HTTPHeaders()
        headers.add(name: "content-type", value: "application/json;charset=UTF-8")
        headers.add(name: "content-length", value: String(body.utf8.count))
        headers.add(name: "connection", value: request.isKeepAlive ? "keep-alive" : "close")
        let head = HTTPResponseHead(version: request.version, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            if !request.isKeepAlive { bound.value.close(promise: nil) }
        }
    }

    private static func list(_ markets: [ExchangeMarket]) -> String {
        let objects = markets.map {
            #"{"market":"\#($0.code)","korean_name":"\#($0.koreanName.jsonEscaped)","#
                + #""english_name":"\#($0.englishName.jsonEscaped)"}"#
        }
        return "[\(objects.joined(separator: ","))]"
    }

    /// In REST errors the name can be a number, and clients must live with it.
    private static func error(_ status: HTTPResponseStatus) -> String {
        #"{"error":{"name":\#(status.code),"message":"\#(status.reasonPhrase.jsonEscaped)"}}"#
    }

    /// A refused upgrade comes here as an error, too, and then as the request that is answered above.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !(error is NIOWebSocketUpgradeError) else { return }
        context.close(promise: nil)
    }
}
