import Logging
import TestSupport
import Testing

@testable import Runtime

@Suite("The admin server")
struct AdminServerTests {
    private struct Group: MetricGroup {
        let rows = Counter("rows_total", "Rows.")
    }

    private static let pages = AdminPages(
        MetricRegistry([Group()]), Health(heartbeats: []) { ["the database is away"] })
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs `body` beside a server on a port of its own.
    private func serving(_ body: (AdminPort) async throws -> Void) async throws {
        let port = try AdminPort()
        let settings = try AdminSettings(in: Environment(port.settings), defaultPort: 9_101)
        try await AdminServer(settings, Self.pages, logger: Self.logger).serving { try await body(port) }
    }

    /// What comes back when `text` is sent.
    private func exchange(_ text: String, _ port: AdminPort) async throws -> AdminPort.Answer {
        let client = try RawClient(port: port.port)
        try await client.send(text)
        return try AdminPort.Answer(try await client.readToEnd())
    }

    @Test("a page comes whole, and then the connection is closed")
    func get() async throws {
        try await serving { port in
            let answer = try await port.ask("/metrics")
            #expect(answer.status == 200)
            #expect(answer.body == Self.pages.answer(method: "GET", target: "/metrics").body)
            #expect(answer.headers["content-length"] == "\(answer.body.utf8.count)")
            #expect(answer.headers["content-type"] == MetricPage.contentType)
            #expect(answer.headers["connection"] == "close")
        }
    }

    @Test("HEAD is answered without a body, with its length")
    func head() async throws {
        try await serving { port in
            let answer = try await port.ask("/readyz", method: "HEAD")
            #expect(answer.status == 503 && answer.body == "")
            #expect(answer.headers["content-length"] == "\("the database is away\n".utf8.count)")
        }
    }

    @Test("other paths and methods are told what there is")
    func refusals() async throws {
        try await serving { port in
            #expect(try await port.ask("/secrets").status == 404)
            let posted = try await exchange("POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", port)
            #expect(posted.status == 405 && posted.headers["allow"] == "GET, HEAD")
            #expect(try await exchange("what is this\r\n\r\n", port).status == 400)
        }
    }

    @Test(
        "a request that does not end is cut off",
        arguments: ["GET /", "GET /metrics HTTP/1.1\r\nX: ", "GET /metrics HTTP/1.1\r\n"])
    func tooLarge(_ start: String) async throws {
        try await serving { port in
            let endless = String(repeating: "x: yyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", count: 10_000)
            let more = start.hasSuffix("\n") ? endless : String(repeating: "x", count: 400_000)
            let client = try RawClient(port: port.port)
            try await client.send(start + more)
            #expect(try AdminPort.Answer(try await client.readToEnd()).status == 431)
            #expect(try await port.ask("/healthz").status == 200)
        }
    }

    @Test("a client that never finishes its request is hung up on, and holds up nobody", .timeLimit(.minutes(2)))
    func slow() async throws {
        try await serving { port in
            let slow = try RawClient(port: port.port)
            try await slow.send("GET /metrics HTT")
            #expect(try await port.ask("/healthz").status == 200)
            #expect(try await slow.readToEnd() == "")
        }
    }

    @Test("of many connections the ones too many are closed; there is room again when others end")
    func connections() async throws {
        try await serving { port in
            let idle = try (0..<16).map { _ in try RawClient(port: port.port) }
            #expect(try await RawClient(port: port.port).readToEnd() == "")
            // At once, and not with the others when their time is over.
            try await idle[1].send("GET /healthz HTTP/1.1\r\n\r\n")
            #expect(try AdminPort.Answer(try await idle[1].readToEnd()).status == 200)
            idle[0].finishSending()
            #expect(try await idle[0].readToEnd() == "")
            #expect(try await port.ask("/healthz").status == 200)
            withExtendedLifetime(idle) {}
        }
    }

    @Test("a port that was asked for and is taken ends the start")
    func chosenPortTaken() async throws {
        try await serving { port in
            let settings = try AdminSettings(in: Environment(port.settings), defaultPort: 9_101)
            let failure = await #expect(throws: Failure.self) {
                try await AdminServer(settings, Self.pages, logger: Self.logger).serving {
                    Issue.record("it started all the same")
                }
            }
            #expect(failure?.status == ExitStatus.unavailable)
            #expect(
                failure?.description
                    == "ADMIN_PORT: cannot listen on 127.0.0.1:\(port.port): Address already in use")
        }
    }

    @Test("a default port that is taken is gone without")
    func defaultPortTaken() async throws {
        try await serving { port in
            let settings = try AdminSettings(in: Environment([:]), defaultPort: port.port)
            let lines = EventLog<String>()
            let logger = Logger(label: "test") { _ in KeptLines(lines: lines) }
            let answer = try await AdminServer(settings, Self.pages, logger: logger).serving { 42 }
            #expect(answer == 42)
            #expect(lines.elements == ["warning no admin port: set ADMIN_PORT to another one, or to 0"])
        }
    }

    @Test("with the port 0 nobody listens, and with the service the server ends")
    func off() async throws {
        let settings = try AdminSettings(in: Environment(["ADMIN_PORT": "0"]), defaultPort: 9_101)
        #expect(settings.port == nil)
        #expect(try await AdminServer(settings, Self.pages, logger: Self.logger).serving { 42 } == 42)
        let port = try AdminPort()
        let on = try AdminSettings(in: Environment(port.settings), defaultPort: 9_101)
        await #expect(throws: CancellationError.self) {
            try await AdminServer(on, Self.pages, logger: Self.logger).serving { throw CancellationError() }
        }
        #expect(throws: SetupError.self) { try RawClient(port: port.port) }
    }
}

/// Keeps level and message of each line.
private struct KeptLines: LogHandler {
    let lines: EventLog<String>
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.append("\(event.level) \(event.message)") }
}
