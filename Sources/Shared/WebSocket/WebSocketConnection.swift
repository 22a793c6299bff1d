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
/// Certificate and host name are checked for `wss`. No `Origin` is sent, since exchanges take one for
/// a browser and limit it, and no extension is offered: frames of 900 bytes are cheaper uncompressed.
/// Used on the loop's thread only.
package final class WebSocketConnection: Wire {
    package enum CloseReason: Equatable, Sendable {
        /// It was never open: refused, timed out, a certificate that is not trusted, or HTTP instead.
        case failed(String)
        /// The peer said goodbye.
        case closedByPeer(code: Int, reason: String)
        /// It ended without a word.
        case lost
        /// ``abort(_:)`` was called.
        case aborted(String)
        case messageTooLarge(limitBytes: Int)
    }

    /// The bounds of a connection.
    package struct Limits: Sendable {
        /// A message beyond this ends the connection.
        package var messageBytes: Int
        /// Silence after which a PING is sent. A peer that leaves it unanswered for half as long
        /// again, and at least 2 s, is taken for dead.
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
    private var isOpen = false
    private var isConnecting = true
    /// libwebsockets gave the connection up within the call that made it.
    private var isGone = false
    private var reason: CloseReason?
    private var hasEnded = false
    /// A message that arrives in pieces.
    private var assembly: [UInt8] = []
    private var outbox: [[UInt8]] = []
    /// Of an end that is told later, or of the time until the connection is open.
    private var timer: LoopTimer?

    /// Starts to connect; what comes of it is told to `delegate`, never within this call.
    package init(
        _ loop: EventLoop, to endpoint: Endpoint, limits: Limits, delegate: any WebSocketDelegate
    ) {
        self.loop = loop
        self.limits = limits
        self.delegate = delegate
        strings = CStrings([endpoint.host, endpoint.path, endpoint.hostHeader, "client", "http/1.1"])
        idlePolicy = .allocate(capacity: 1)
        idlePolicy.initialize(to: lws_retry_bo_t())
        idlePolicy.pointee.secs_since_valid_ping = UInt16(limits.pingSeconds)
        idlePolicy.pointee.secs_since_valid_hangup = UInt16(limits.pingSeconds + max(2, limits.pingSeconds / 2))
        super.init()

        var information = connectInformation(loop, endpoint, strings, for: self)
        information.retry_and_idle_policy = UnsafePointer(idlePolicy)
        loop.retain(self)
        wsi = lws_client_connect_via_info(&information)
        isConnecting = false
        if wsi == nil || isGone { failLater() } else { watchOpening() }
    }

    deinit { idlePolicy.deallocate() }

    /// Sends a text message, after those that wait already.
    package func send(_ text: String) {
        guard let wsi, isOpen else { return }
        outbox.append(Array(text.utf8))
        lws_callback_on_writable(wsi)
    }

    /// Stops taking bytes from the socket: the kernel's buffers fill and the peer has to wait. What
    /// was read already may still be delivered.
    package func pauseReading() { if let wsi { lws_rx_flow_control(wsi, 0) } }

    package func resumeReading() { if let wsi { lws_rx_flow_control(wsi, 1) } }

    /// Ends the connection at once, without waiting for a peer that may be gone.
    package func abort(_ why: String) {
        if reason == nil { reason = .aborted(why) }
        kill()
    }

    private func kill() {
        guard let wsi, !hasEnded else { return }
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC)
    }

    override func handle(
        _ event: lws_callback_reasons, _ wsi: OpaquePointer, _ bytes: UnsafeMutableRawPointer?, _ count: Int
    ) -> CInt {
        switch event {
        case LWS_CALLBACK_CLIENT_ESTABLISHED:
            isOpen = true
            timer = nil
            self.wsi = wsi
            delegate?.webSocketDidOpen(self)
        case LWS_CALLBACK_CLIENT_RECEIVE:
            return receive(UnsafeRawBufferPointer(start: bytes, count: count), wsi)
        case LWS_CALLBACK_CLIENT_WRITEABLE: return writeNext(wsi)
        case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
            if reason == nil { reason = .failed(text(bytes, count)) }
        case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
            if reason == nil { reason = peerClose(UnsafeRawBufferPointer(start: bytes, count: count)) }
        // Not every failed attempt tells CONNECTION_ERROR, nor every end CLOSED; this always comes.
        case LWS_CALLBACK_WSI_DESTROY: end()
        default: break
        }
        return 0
    }

    private func receive(_ piece: UnsafeRawBufferPointer, _ wsi: OpaquePointer) -> CInt {
        guard reason == nil else { return 0 }
        guard assembly.count + piece.count <= limits.messageBytes else {
            // Without a close frame: when lws 4.1 has sent one in the middle of a message, it goes on
            // to collect the rest of that message in a buffer whose end it no longer looks at.
            reason = .messageTooLarge(limitBytes: limits.messageBytes)
            kill()
            return 0
        }
        // True only for the last bytes of the last fragment, whatever the message was cut into.
        let isLast = lws_is_final_fragment(wsi) != 0
        if isLast, assembly.isEmpty {
            delegate?.webSocket(self, didReceive: piece)
            return 0
        }
        assembly.append(contentsOf: piece)
        if isLast {
            assembly.withUnsafeBytes { delegate?.webSocket(self, didReceive: $0) }
            assembly.removeAll(keepingCapacity: true)
        }
        return 0
    }

    private func writeNext(_ wsi: OpaquePointer) -> CInt {
        guard !outbox.isEmpty else { return 0 }
        let message = outbox.removeFirst()
        var buffer = [UInt8](repeating: 0, count: cwebsockets_pre + message.count)
        buffer.replaceSubrange(cwebsockets_pre..., with: message)
        let written = buffer.withUnsafeMutableBufferPointer {
            lws_write(wsi, $0.baseAddress.map { $0 + cwebsockets_pre }, message.count, LWS_WRITE_TEXT)
        }
        if written < 0 { return -1 }
        if !outbox.isEmpty { lws_callback_on_writable(wsi) }
        return 0
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
            if reason == nil { reason = .failed("not open within \(limits.openingTime)") }
            kill()
        }
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
