import Testing

@testable import WebSocket

@Suite("An endpoint is the parts of a URL")
struct EndpointTests {
    @Test(
        "Scheme, host, port and path are told apart",
        arguments: [
            ("wss://api.upbit.com/websocket/v1", true, "api.upbit.com", 443, "/websocket/v1", "api.upbit.com"),
            ("http://127.0.0.1:8080", false, "127.0.0.1", 8080, "/", "127.0.0.1:8080"),
            ("https://[::1]:8443/a?b=c:d", true, "::1", 8443, "/a?b=c:d", "[::1]:8443"),
            ("ws://localhost?x", false, "localhost", 80, "/?x", "localhost"),
        ] as [(String, Bool, String, UInt16, String, String)])
    func parts(_ url: String, _ isSecure: Bool, _ host: String, _ port: UInt16, _ path: String, _ header: String) throws
    {
        let endpoint = try #require(Endpoint(url))
        #expect(endpoint.isSecure == isSecure && endpoint.host == host && endpoint.port == port)
        #expect(endpoint.path == path && endpoint.hostHeader == header)
    }

    @Test(
        "What is not such a URL is refused",
        arguments: [
            "", "api.upbit.com", "ftp://a/b", "wss://", "wss://:443", "ws://a:0", "ws://a:x", "ws://a:70000",
            "https://user@a/",
        ])
    func refused(_ url: String) { #expect(Endpoint(url) == nil) }
}
