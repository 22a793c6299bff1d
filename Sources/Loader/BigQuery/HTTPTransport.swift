import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// A whole answer over HTTP.
struct HTTPAnswer: Sendable {
    let status: Int
    let body: Data
    let retryAfter: Duration?
}

/// Sends requests and takes whole answers. What is not a whole answer is a ``BigQueryError`` without
/// a status.
struct HTTPTransport: Sendable {
    private let client: HTTPClient
    private let deadline: TimeAmount

    enum Method { case get, post }

    /// The largest answer that is read: 50,000 row errors stay far below.
    private static let answerBytesLimit = 64 << 20

    init(client: HTTPClient, deadline: Duration = .seconds(90)) {
        self.client = client
        self.deadline = .nanoseconds(Int64(deadline / .nanoseconds(1)))
    }

    func send(
        _ method: Method, _ url: String, headers: [(String, String)] = [], body: [UInt8]? = nil
    ) async throws -> HTTPAnswer {
        var request = HTTPClientRequest(url: url)
        request.method = method == .get ? .GET : .POST
        request.headers = HTTPHeaders(headers)
        if let body { request.body = .bytes(body) }
        do {
            let response = try await client.execute(request, timeout: deadline)
            let bytes = try await response.body.collect(upTo: Self.answerBytesLimit)
            return HTTPAnswer(
                status: Int(response.status.code), body: Data(bytes.readableBytesView),
                retryAfter: response.headers.first(name: "Retry-After").flatMap { Int($0) }
                    .map { .seconds(max(0, $0)) })
        } catch {
            // An interrupted run must end, not take its own interruption for an outage.
            try Task.checkCancellation()
            throw BigQueryError(status: nil, message: "\(error)")
        }
    }
}

/// The client that the loader uses: HTTP/1.1, so that every batch in flight has a connection, and no
/// redirects, which no endpoint here has any business sending.
func makeHTTPConfiguration() -> HTTPClient.Configuration {
    var configuration = HTTPClient.Configuration(
        redirectConfiguration: .disallow,
        timeout: .init(connect: .seconds(10), read: .seconds(60), write: .seconds(60)))
    configuration.httpVersion = .http1Only
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
    return configuration
}
