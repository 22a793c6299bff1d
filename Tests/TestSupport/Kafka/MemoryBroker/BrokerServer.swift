import Foundation
import Glibc

/// Takes a ``MemoryBroker``'s connections on 127.0.0.1: a thread each, which reads a request, asks the broker
/// and writes the answer.
///
/// ```
/// request:  4 length  2 api  2 version  4 correlation  client (a string)  body
/// answer:   4 length  4 correlation  body
/// ```
package struct BrokerServer: Sendable {
    package let port: Int
    private let listener: Int32

    package init() throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { [listener] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, size) == 0 && getsockname(listener, address, &size) == 0
            }
        }
        guard isBound, listen(listener, 64) == 0 else { throw SetupError("no port for Kafka: errno \(errno)") }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    /// Serves until ``stop()``; blocks.
    ///
    /// - Parameter login: what clients have to say of themselves; nil when nothing is asked.
    package func run(_ broker: MemoryBroker, login: SASLPlain.Login? = nil) {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else {
                if errno == EINTR || errno == ECONNABORTED { continue }
                return
            }
            var isOn: Int32 = 1
            setsockopt(connection, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
            Thread.detachNewThread {
                // A connection that ends in any way is closed; its client comes again if it wants.
                try? serve(connection, broker, SASLPlain(login))
                close(connection)
            }
        }
    }

    /// Takes no more connections; open ones last until their clients end them.
    package func stop() { shutdown(listener, Int32(SHUT_RDWR)) }
}

private func serve(_ connection: Int32, _ broker: MemoryBroker, _ login: SASLPlain) throws {
    let limitBytes = 256 << 20
    var login = login
    while true {
        var length = WireReader(try read(4, from: connection))
        let count = Int(try length.int32())
        guard count > 0, count < limitBytes else { throw WireReader.Truncated() }
        var request = WireReader(try read(count, from: connection))
        let header = MemoryBroker.Header(
            api: try request.int16(), version: try request.int16(), correlation: try request.int32())
        _ = try request.string()
        let body = try (login.answer(header, &request) ?? broker.answer(header, &request)).bytes
        var head = WireWriter()
        head.int32(Int32(body.count + 4))
        head.int32(header.correlation)
        try write(head.bytes, to: connection, isLast: false)
        try write(body, to: connection, isLast: true)
    }
}

private func read(_ count: Int, from connection: Int32) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        while filled < count {
            let result = recv(connection, buffer.baseAddress.map { $0 + filled }, count - filled, 0)
            guard result > 0 else { throw SetupError("the connection ended") }
            filled += result
        }
    }
}

private func write(_ bytes: [UInt8], to connection: Int32, isLast: Bool) throws {
    try bytes.withUnsafeBytes { buffer in
        var sent = 0
        while sent < buffer.count {
            // Held back until the last part is there, so that both go in one packet.
            let flags = Int32(MSG_NOSIGNAL) | (isLast ? 0 : Int32(MSG_MORE))
            let result = send(connection, buffer.baseAddress.map { $0 + sent }, buffer.count - sent, flags)
            guard result > 0 else { throw SetupError("the connection ended") }
            sent += result
        }
    }
}
