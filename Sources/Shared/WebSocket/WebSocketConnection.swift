import CWebSockets

/// What happens on a connection. All calls come on the loop's thread.
package protocol WebSocketDelegate: AnyObject {
    func webSocketDidOpen(_ connection: WebSocketConnection)
    /// A whole message, text or binary. The bytes are valid only within the call.
    func webSocket(_ connection: WebSocketConnection, didReceive message: UnsafeRawBufferPointer)
    /// The last call, and always made, also when the connection was never open.
    func webSocket(_ connection: WebSocketConnection, didClose reason: WebSocketConnection.CloseReason)
}

/// A client's connection, from the attempt to its end.
///
/// libwebsockets takes it for an HTTP request whose answer, 101, has a body that does not end: it connects,
/// checks certificate and host name for `wss`, and brings the bytes. What they mean is read here: as a
/// WebSocket, libwebsockets 4.1 to 4.3 would take each frame apart byte by byte, which costs more than all
/// that is done to a frame later. Used on the loop's thread only.
package final class WebSocketConnection: Wire {
    package enum CloseReason: Equatable, Sendable {
        /// It was never open: refused, timed out, a certificate that is not trusted, or HTTP instead.
        case failed(String)
        /// The peer said goodbye.
        case closedByPeer(code: Int, reason: String)
        /// It ended without a word.
        case lost
        /// The peer sent what is no WebSocket.
        case violation(String)
        /// ``abort(_:)`` was called.
        case aborted(String)
        case messageTooLarge(limitBytes: Int)
    }

    /// The bounds of a connection.
    package struct Limits: Sendable {
        /// A message beyond this ends the connection.
        package var messageBytes: Int
        /// How often a PING is sent, also while data comes: exchanges hang up on clients that say nothing.
        /// A peer of which nothing at all is heard for half as long after one, and at least 2 s, is taken
        /// for dead.
        package var pingSeconds: Int
        /// How long it may take until the connection is open, with TCP, TLS and the upgrade.
        package var openingTime: Duration

        package init(messageBytes: Int, pingSeconds: Int, openingTime: Duration = .seconds(10)) {
            self.messageBytes = messageBytes
            self.pingSeconds = pingSeconds
            self.openingTime = openingTime
        }
    }

    // Weak, since the loop's end is the end of its connections, and they are told so by then.
    private weak var loop: EventLoop?
    private let limits: Limits
    private let strings: CStrings
    private let idlePolicy: UnsafeMutablePointer<lws_retry_bo_t>
    private weak var delegate: (any WebSocketDelegate)?
    private var wsi: OpaquePointer?
    private let upgrade = Upgrade()
    private var reader: FrameReader
    private var isOpen = false
    private var isConnecting = true
    /// libwebsockets gave the connection up within the call that made it.
    private var isGone = false
    private var reason: CloseReason?
    private var hasEnded = false
    /// Frames to send, one behind the other.
    private var outbox: [UInt8] = []
    /// The connection ends when the outbox is empty.
    private var isLeaving = false
    private var isPaused = false
    /// There is something to read, which libwebsockets tells once.
    private var hasUnread = false
    private var idle: IdleWatch
    /// Of an end that is told later, of the time until the connection is open, or of the next look at the peer.
    private var timer: LoopTimer?

    /// Starts to connect; what comes of it is told to `delegate`, never within this call.
    package init(
        _ loop: EventLoop, to endpoint: Endpoint, limits: Limits, delegate: any WebSocketDelegate
    ) {
        self.loop = loop
        self.limits = limits
        self.delegate = delegate
        reader = FrameReader(limitBytes: limits.messageBytes)
        idle = IdleWatch(pingSeconds: limits.pingSeconds, at: .now)
        strings = CStrings([endpoint.host, endpoint.path, endpoint.hostHeader, "client", "http/1.1", "GET"])
        // All zeroes: libwebsockets is not to watch the connection, since it knows of no pings here.
        idlePolicy = .allocate(capacity: 1)
        idlePolicy.initialize(to: lws_retry_bo_t())
        super.init()

        var information = connectInformation(loop, endpoint, strings, for: self)
        information.method = strings[5]
        information.retry_and_idle_policy = UnsafePointer(idlePolicy)
        loop.retain(self)
        wsi = lws_client_connect_via_info(&information)
        isConnecting = false
        if wsi == nil || isGone { failLater() } else { watchOpening() }
    }

    deinit { idlePolicy.deallocate() }

    /// Sends a text message, after those that wait already.
    package func send(_ text: String) { if isOpen { send(FrameWriter.frame(.text, text.utf8)) } }

    private func send(_ bytes: [UInt8]) {
        guard let wsi, !isLeaving else { return }
        outbox += bytes
        lws_callback_on_writable(wsi)
    }

    /// Stops taking bytes from the socket: the kernel's buffers fill and the peer has to wait. What
    /// was read already may still be delivered: the messages that end in ``readBytes`` bytes of the wire.
    package func pauseReading() { isPaused = true }

    /// How much is read from the socket at once, at most.
    package static let readBytes = EventLoop.receiveBufferBytes

    /// The fewest bytes that a message takes on the wire.
    package static let smallestMessageBytes = 2

    package func resumeReading() {
        isPaused = false
        if let wsi, hasUnread { lws_callback_on_writable(wsi) }
    }

    /// Ends the connection at once, without waiting for a peer that may be gone.
    package func abort(_ why: String) { end(for: .aborted(why)) }

    private func end(for reason: CloseReason) {
        if self.reason == nil { self.reason = reason }
        guard let wsi, !hasEnded else { return }
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC)
    }

    override func handle(
        _ event: lws_callback_reasons, _ wsi: OpaquePointer, _ bytes: UnsafeMutableRawPointer?, _ count: Int
    ) -> CInt {
        // A timeout that ends the connection is forgotten by libwebsockets when the peer answers at the same moment:
        // it would stay, open and deaf.
        if reason != nil, !isLeaving, Self.hasWork.contains(event.rawValue) { return -1 }
        switch event {
        case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: return appendHeaders(bytes, count)
        case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
            self.wsi = wsi
            return open(wsi)
        case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
            hasUnread = true
            return readNext(wsi)
        case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ: receive(UnsafeRawBufferPointer(start: bytes, count: count))
        case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE: return writeNext(wsi) == 0 ? readNext(wsi) : -1
        case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
            if reason == nil { reason = .failed(text(bytes, count)) }
        // Not every failed attempt tells CONNECTION_ERROR, nor every end CLOSED; this always comes.
        case LWS_CALLBACK_WSI_DESTROY: end()
        default: break
        }
        return 0
    }

    /// Events after which a connection goes on.
    private static let hasWork = [
        LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP, LWS_CALLBACK_RECEIVE_CLIENT_HTTP, LWS_CALLBACK_CLIENT_HTTP_WRITEABLE,
    ].map(\.rawValue)

    // MARK: - Opening

    /// - Parameter place: where the pointer to the end of the request's headers is.
    /// - Returns: -1 when there is no room.
    private func appendHeaders(_ place: UnsafeMutableRawPointer?, _ room: Int) -> CInt {
        guard let end = place?.assumingMemoryBound(to: UnsafeMutablePointer<UInt8>.self) else { return -1 }
        // libwebsockets closes after a request, and has just said so. Servers may take that at its word.
        let close = Array("connection: close\r\n".utf8)
        if UnsafeBufferPointer(start: end.pointee - close.count, count: close.count).elementsEqual(close) {
            end.pointee -= close.count
        }
        let headers = Array(upgrade.headers.utf8)
        guard headers.count <= room else { return -1 }
        end.pointee.update(from: headers, count: headers.count)
        end.pointee += headers.count
        return 0
    }

    /// - Returns: -1 when the answer does not make it a WebSocket.
    private func open(_ wsi: OpaquePointer) -> CInt {
        let answer = Upgrade.Answer(
            status: Int(lws_http_client_http_response(wsi)),
            upgrade: header(WSI_TOKEN_UPGRADE, wsi), connection: header(WSI_TOKEN_CONNECTION, wsi),
            accept: header(WSI_TOKEN_ACCEPT, wsi), extensions: header(WSI_TOKEN_EXTENSIONS, wsi),
            subprotocol: header(WSI_TOKEN_PROTOCOL, wsi),
            hasBody: !header(WSI_TOKEN_HTTP_CONTENT_LENGTH, wsi).isEmpty
                || !header(WSI_TOKEN_HTTP_TRANSFER_ENCODING, wsi).isEmpty)
        if let flaw = upgrade.flaw(of: answer) {
            if reason == nil { reason = .failed(flaw) }
            return -1
        }
        isOpen = true
        idle.heard()
        watchPeer()
        delegate?.webSocketDidOpen(self)
        return 0
    }

    /// Empty when it is not there.
    private func header(_ token: lws_token_indexes, _ wsi: OpaquePointer) -> String {
        var text = [CChar](repeating: 0, count: Int(lws_hdr_total_length(wsi, token)) + 1)
        let count = lws_hdr_copy(wsi, &text, CInt(text.count), token)
        return String(decoding: text.prefix(max(0, Int(count))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: - Receiving

    /// Has what there is brought to ``receive(_:)``, at most a buffer of libwebsockets' own; it says when there
    /// is more. As long as that is not asked for it does not look at the socket.
    ///
    /// Answers go first: as long as the socket has something to read libwebsockets does not say that it can be
    /// written to. So pings are answered however fast data comes, and never pile up.
    private func readNext(_ wsi: OpaquePointer) -> CInt {
        guard hasUnread, !isPaused, outbox.isEmpty else { return 0 }
        hasUnread = false
        var start: UnsafeMutablePointer<CChar>?
        var count: CInt = 0
        return lws_http_client_read(wsi, &start, &count) < 0 ? -1 : 0
    }

    private func receive(_ bytes: UnsafeRawBufferPointer) {
        guard reason == nil, isOpen else { return }
        idle.heard()
        read(bytes)
    }

    private func read(_ bytes: UnsafeRawBufferPointer) {
        guard let delegate else { return }
        do throws(FrameReader.Failure) {
            try reader.read(bytes) { event in
                guard reason == nil else { return }
                switch event {
                case .message(let message): delegate.webSocket(self, didReceive: message)
                case .ping(let payload): send(FrameWriter.frame(.pong, payload))
                case .pong: break
                case .close(let payload): leave(payload)
                }
            }
        } catch {
            switch error {
            case .tooLarge: end(for: .messageTooLarge(limitBytes: limits.messageBytes))
            case .violation(let why): end(for: .violation(why))
            }
        }
    }

    /// Answers the peer's goodbye with the same, and goes.
    private func leave(_ payload: UnsafeRawBufferPointer) {
        reason = peerClose(payload)
        send(FrameWriter.frame(.close, payload.prefix(2)))
        isLeaving = true
    }

    private func writeNext(_ wsi: OpaquePointer) -> CInt {
        guard !outbox.isEmpty else { return isLeaving ? -1 : 0 }
        var buffer = [UInt8](repeating: 0, count: cwebsockets_pre) + outbox
        let count = outbox.count
        outbox.removeAll()
        // As bytes of a body. What the kernel does not take at once libwebsockets keeps, and sends before
        // anything else.
        let written = buffer.withUnsafeMutableBufferPointer {
            lws_write(wsi, $0.baseAddress.map { $0 + cwebsockets_pre }, count, LWS_WRITE_HTTP)
        }
        if isLeaving { lws_callback_on_writable(wsi) }
        return written < 0 ? -1 : 0
    }

    /// The two bytes of the code in network order, then the reason (RFC 6455, section 5.5.1).
    private func peerClose(_ payload: UnsafeRawBufferPointer) -> CloseReason {
        guard payload.count >= 2 else { return .closedByPeer(code: 1005, reason: "") }
        let text = String(decoding: payload.dropFirst(2), as: UTF8.self)
        return .closedByPeer(code: Int(payload[0]) << 8 | Int(payload[1]), reason: text)
    }

    /// lws can give up within the call that connects, without WSI_DESTROY; the delegate is told from
    /// the loop all the same.
    private func failLater() {
        timer = loop?.schedule(after: .zero) { [weak self] in self?.end() }
    }

    private func watchOpening() {
        timer = loop?.schedule(after: limits.openingTime) { [weak self] in
            guard let self, !isOpen else { return }
            end(for: .failed("not open within \(limits.openingTime)"))
        }
    }

    private func watchPeer() {
        if isPaused { idle.heard() }  // since nothing can be
        switch idle.verdict(at: .now) {
        case .look(let delay): return watchPeer(after: delay)
        case .ping(let delay):
            send(FrameWriter.frame(.ping, []))
            watchPeer(after: delay)
        case .dead: end(for: .lost)
        }
    }

    private func watchPeer(after delay: Duration) {
        timer = loop?.schedule(after: delay) { [weak self] in self?.watchPeer() }
    }

    private func end() {
        guard !hasEnded else { return }
        if isConnecting {
            isGone = true
            return
        }
        hasEnded = true
        timer = nil
        wsi = nil
        let delegate = self.delegate
        delegate?.webSocket(self, didClose: reason ?? (isOpen ? .lost : .failed("the peer gave no answer")))
        loop?.release(self)
    }
}

/// libwebsockets' text for an event, which may come without one.
func text(_ bytes: UnsafeMutableRawPointer?, _ count: Int) -> String {
    String(decoding: UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count), as: UTF8.self)
}

/// What a WebSocket and an HTTP request have in common. `strings` are the host, the path, the `Host`
/// header, the name of the local protocol and the application protocol, in that order.
func connectInformation(
    _ loop: EventLoop, _ endpoint: Endpoint, _ strings: CStrings, for wire: Wire
) -> lws_client_connect_info {
    var information = lws_client_connect_info()
    information.context = loop.context
    information.address = strings[0]
    information.port = CInt(endpoint.port)
    information.path = strings[1]
    information.host = strings[2]
    information.local_protocol_name = strings[3]
    information.alpn = strings[4]
    information.ietf_version_or_minus_one = -1
    information.ssl_connection = endpoint.isSecure ? CInt(LCCSCF_USE_SSL.rawValue) : 0
    information.opaque_user_data = Unmanaged.passUnretained(wire).toOpaque()
    return information
}
