import CWebSockets

/// One GET over the loop's connections, for the producer's few small questions.
///
/// Certificate and host name are checked for `https`. Used on the loop's thread only.
package final class HTTPRequest: Wire {
    package struct Response: Sendable {
        package let status: Int
        package let body: [UInt8]
    }

    // Weak, since the loop's end is the end of its connections, and they are told so by then.
    private weak var loop: EventLoop?
    private let strings: CStrings
    private let limitBytes: Int
    private var completion: ((Result<Response, WebSocketError>) -> Void)?
    private var status = 0
    private var body: [UInt8] = []
    private var isComplete = false
    private var isConnecting = true
    /// libwebsockets gave the request up within the call that made it.
    private var isGone = false
    private var failure: String?
    private var wsi: OpaquePointer?
    private var timer: LoopTimer?

    /// Starts the request; `completion` is called once, from the loop, never within this call.
    ///
    /// - Parameters:
    ///   - limitBytes: a larger body is a failure.
    ///   - timeout: for the whole of it.
    package init(
        _ loop: EventLoop, get endpoint: Endpoint, limitBytes: Int, timeout: Duration,
        completion: @escaping (Result<Response, WebSocketError>) -> Void
    ) {
        self.loop = loop
        self.limitBytes = limitBytes
        self.completion = completion
        strings = CStrings([endpoint.host, endpoint.path, endpoint.hostHeader, "client", "http/1.1", "GET"])
        super.init()
        var information = connectInformation(loop, endpoint, strings, for: self)
        information.method = strings[5]
        loop.retain(self)
        wsi = lws_client_connect_via_info(&information)
        isConnecting = false
        timer =
            wsi == nil || isGone
            ? loop.schedule(after: .zero) { [weak self] in self?.end() }
            : loop.schedule(after: timeout) { [weak self] in self?.giveUp("no answer within \(timeout)") }
    }

    private func giveUp(_ why: String) {
        failure = failure ?? why
        if let wsi { lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC) }
    }

    override func handle(
        _ event: lws_callback_reasons, _ wsi: OpaquePointer, _ bytes: UnsafeMutableRawPointer?, _ count: Int
    ) -> CInt {
        switch event {
        case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
            self.wsi = wsi
            status = Int(lws_http_client_http_response(wsi))
        case LWS_CALLBACK_RECEIVE_CLIENT_HTTP: return read(wsi)
        case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
            guard body.count + count <= limitBytes else {
                failure = "the answer is larger than \(limitBytes) bytes"
                return -1
            }
            body.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
        case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
            isComplete = true
            return -1  // one request a connection
        case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: failure = failure ?? text(bytes, count)
        case LWS_CALLBACK_WSI_DESTROY: end()
        default: break
        }
        return 0
    }

    /// Takes what arrived; lws hands it back as RECEIVE_CLIENT_HTTP_READ, with the chunking undone.
    private func read(_ wsi: OpaquePointer) -> CInt {
        let room = 4_096
        var buffer = [CChar](repeating: 0, count: cwebsockets_pre + room)
        return buffer.withUnsafeMutableBufferPointer { buffer in
            var start = buffer.baseAddress.map { $0 + cwebsockets_pre }
            var count = CInt(room)
            return lws_http_client_read(wsi, &start, &count) < 0 ? -1 : 0
        }
    }

    private func end() {
        if isConnecting {
            isGone = true
            return
        }
        guard let completion else { return }
        self.completion = nil
        timer?.cancel()
        wsi = nil
        if isComplete {
            completion(.success(Response(status: status, body: body)))
        } else {
            completion(.failure(WebSocketError(failure ?? "the connection ended before the answer did")))
        }
        loop?.release(self)
    }
}
