import Testing

@testable import WebSocket

@Suite("The upgrade to a WebSocket")
struct UpgradeTests {
    private let upgrade = Upgrade(key: Array("the sample nonce".utf8))

    @Test("The key and the answer to it are the RFC's, of its example")
    func acceptance() {
        #expect(upgrade.headers.contains("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"))
        #expect(Upgrade.acceptance(of: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(Upgrade().headers != Upgrade().headers)
    }

    @Test(
        "The right answer opens a WebSocket, in whatever letters and beside whatever else",
        arguments: [answer(), answer(upgrade: "WebSocket", connection: "keep-alive, upgrade")])
    func opens(_ answer: Upgrade.Answer) {
        #expect(upgrade.flaw(of: answer) == nil)
    }

    @Test(
        "Anything else is refused, with the reason",
        arguments: [
            (answer(status: 429), "the answer is HTTP 429"),
            (answer(status: 200), "the answer is HTTP 200"),
            (answer(upgrade: ""), "the answer is no upgrade to a WebSocket"),
            (answer(upgrade: "h2c"), "the answer is no upgrade to a WebSocket"),
            (answer(connection: "close"), "the answer is no upgrade to a WebSocket"),
            (answer(accept: ""), "the answer is not one to this request"),
            (answer(accept: "S3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "the answer is not one to this request"),
            (answer(accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo"), "the answer is not one to this request"),
            (answer(extensions: "permessage-deflate"), unasked), (answer(subprotocol: "chat"), unasked),
            (answer(hasBody: true), unasked),
        ])
    func refuses(_ answer: Upgrade.Answer, _ reason: String) {
        #expect(upgrade.flaw(of: answer) == reason)
    }
}

private let unasked = "the answer has an extension, a subprotocol or a length that nobody asked for"

private func answer(
    status: Int = 101, upgrade: String = "websocket", connection: String = "Upgrade",
    accept: String = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", extensions: String = "", subprotocol: String = "",
    hasBody: Bool = false
) -> Upgrade.Answer {
    .init(
        status: status, upgrade: upgrade, connection: connection, accept: accept, extensions: extensions,
        subprotocol: subprotocol, hasBody: hasBody)
}
