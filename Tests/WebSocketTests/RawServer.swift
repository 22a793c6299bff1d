import Glibc
import Runtime
import TestSupport

@testable import WebSocket

/// A server of one connection that says exactly what a test makes it say.
final class RawServer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let thread = DedicatedThread(name: "raw server")

    init() throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = self.listener
        let isListening = withSockaddr(&address) { address in
            bind(listener, address, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, address, &size) == 0
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isListening else { throw SetupError("no port: errno \(errno)") }
    }

    deinit { close(listener) }

    /// Takes a client and its request, and does the rest as `script` says, on a thread that may block.
    func serve<Result: Sendable>(_ script: @escaping @Sendable (RawPeer) throws -> Result) async throws -> Result {
        try await thread.run { [listener] in
            var limit = timeval(tv_sec: 30, tv_usec: 0)
            setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { throw SetupError("no client: errno \(errno)") }
            defer { close(connection) }
            setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            return try script(RawPeer(connection))
        }
    }
}

/// The client of a ``RawServer``.
struct RawPeer {
    private let connection: Int32
    /// `Sec-WebSocket-Accept`, as it has to be.
    let acceptance: String

    init(_ connection: Int32) throws {
        self.connection = connection
        var request = ""
        while !request.hasSuffix("\r\n\r\n") {
            guard let byte = Self.receive(connection, 1).first else { throw SetupError("no request: \(request)") }
            request.unicodeScalars.append(Unicode.Scalar(byte))
        }
        let name = "Sec-WebSocket-Key: "
        let line = request.split(separator: "\r\n").first { $0.hasPrefix(name) } ?? ""
        acceptance = Upgrade.acceptance(of: String(line.dropFirst(name.count)))
    }

    /// The head of an answer that opens the connection.
    var opening: String {
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: \(acceptance)\r\n\r\n"
    }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw SetupError("the client is gone: errno \(errno)") }
            rest = rest.dropFirst(count)
        }
    }

    /// What is there by now, which may be nothing.
    func received() -> [UInt8] { Self.receive(connection, 65_536, flags: Int32(MSG_DONTWAIT)) }

    /// Everything up to the client's end.
    func receivedToTheEnd() -> [UInt8] {
        var bytes: [UInt8] = []
        while case let more = Self.receive(connection, 65_536), !more.isEmpty { bytes += more }
        return bytes
    }

    private static func receive(_ connection: Int32, _ limit: Int, flags: Int32 = 0) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            count = max(0, recv(connection, buffer.baseAddress, limit, flags))
        }
    }
}
