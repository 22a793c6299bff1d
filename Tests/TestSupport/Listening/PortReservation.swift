import Foundation
import NIOCore

/// A free port, kept for as long as this object lives, on 127.0.0.1 and, where there is IPv6, on ::1.
///
/// Its sockets are bound but do not listen: a client is refused as if nobody were there, yet nobody else
/// gets the port, so a server that refuses clients for a while can open again. Beside them a listening
/// socket may be bound, because both allow the reuse of the address.
final class PortReservation: Sendable {
    let port: Int
    let hosts: [String]
    private let descriptors: [CInt]

    /// How often another port is tried when a stranger has the first one's number on ::1.
    private static let attemptLimit = 10

    init() throws {
        for _ in 0..<Self.attemptLimit {
            let (first, port) = try Self.reserve("127.0.0.1", port: 0)
            do {
                let (second, _) = try Self.reserve("::1", port: port)
                (self.port, hosts, descriptors) = (port, ["127.0.0.1", "::1"], [first, second])
                return
            } catch let error as IOError where error.errnoCode == EADDRINUSE {
                // A client of `localhost` could meet the stranger.
                close(first)
            } catch {
                (self.port, hosts, descriptors) = (port, ["127.0.0.1"], [first])
                return
            }
        }
        throw IOError(errnoCode: EADDRINUSE, reason: "no port is free on both 127.0.0.1 and ::1")
    }

    deinit { for descriptor in descriptors { close(descriptor) } }

    /// Returns the socket and its port.
    private static func reserve(_ host: String, port: Int) throws -> (descriptor: CInt, port: Int) {
        let address = try SocketAddress(ipAddress: host, port: port)
        let descriptor = socket(address.protocol.rawValue, CInt(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        var yes: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        guard address.withSockAddr({ bind(descriptor, $0, socklen_t($1)) }) == 0 else {
            let code = errno
            close(descriptor)
            throw IOError(errnoCode: code, reason: "bind \(host)")
        }
        return (descriptor, port == 0 ? boundPort(descriptor) : port)
    }

    /// The port of a socket of IPv4.
    private static func boundPort(_ descriptor: CInt) -> Int {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &size) }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
