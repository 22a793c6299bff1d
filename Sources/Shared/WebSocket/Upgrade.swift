import CWebSockets

/// What makes an HTTP request the beginning of a WebSocket, and what its answer must say.
///
/// Source: RFC 6455, section 4. Nothing but what is required is sent: no extension, since frames of 900 bytes
/// are cheaper uncompressed, and no `Origin`, for which exchanges take a client for a browser and limit it.
struct Upgrade {
    private let key: String

    init(key: [UInt8] = (0..<16).map { _ in .random(in: .min ... .max) }) { self.key = base64(key) }

    /// The request's headers, beside those that every request has.
    var headers: String {
        """
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Key: \(key)\r
        Sec-WebSocket-Version: 13\r

        """
    }

    /// The header `Sec-WebSocket-Accept` of a server that understood: the constant is the RFC's.
    static func acceptance(of key: String) -> String {
        let text = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
        var digest = [UInt8](repeating: 0, count: 20)
        lws_SHA1(text, text.count, &digest)
        return base64(digest)
    }

    /// What a server answered; a header that is not there is empty.
    struct Answer {
        let status: Int
        let upgrade: String
        let connection: String
        let accept: String
        let extensions: String
        let subprotocol: String
        /// It gives its body a length or an encoding, by which libwebsockets would go.
        let hasBody: Bool
    }

    /// Why the answer does not open a WebSocket; nil when it does.
    func flaw(of answer: Answer) -> String? {
        if answer.status != 101 { return "the answer is HTTP \(answer.status)" }
        guard answer.upgrade.lowercased() == "websocket", answer.connection.lowercased().hasToken("upgrade") else {
            return "the answer is no upgrade to a WebSocket"
        }
        if answer.accept != Self.acceptance(of: key) { return "the answer is not one to this request" }
        guard answer.extensions.isEmpty, answer.subprotocol.isEmpty, !answer.hasBody else {
            return "the answer has an extension, a subprotocol or a length that nobody asked for"
        }
        return nil
    }
}

extension String {
    /// Of a list such as `keep-alive, upgrade`.
    fileprivate func hasToken(_ token: String) -> Bool {
        split { $0 == "," || $0 == " " || $0 == "\t" }.contains { $0 == token }
    }
}

private func base64(_ bytes: [UInt8]) -> String {
    var text = [CChar](repeating: 0, count: bytes.count * 2 + 4)
    let count = bytes.withUnsafeBytes { bytes in
        lws_b64_encode_string(
            bytes.baseAddress?.assumingMemoryBound(to: CChar.self), CInt(bytes.count), &text, CInt(text.count))
    }
    return String(decoding: text.prefix(max(0, Int(count))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
