import Foundation
import Glibc
import Runtime

/// A TCP client that sends any bytes whatever, and reads until the other side closes. Each has a thread of its
/// own, which waits.
package final class RawClient: Sendable {
    private let descriptor: CInt
    private let thread = DedicatedThread(name: "raw client")

    /// Connects to 127.0.0.1.
    package init(port: Int) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw SetupError("no socket: errno \(errno)") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard result == 0 else {
            let number = errno
            close(descriptor)
            throw SetupError("no connection to port \(port): \(String(cString: strerror(number)))")
        }
        // A server that never closes must not hold up the tests for ever.
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Sends all of `text`, or what the other side lets it.
    package func send(_ text: String) async throws {
        try await thread.run { [descriptor] in
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Says that nothing more will be sent.
    package func finishSending() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// Everything that comes until the other side closes.
    package func readToEnd() async throws -> String {
        try await thread.run { [descriptor] in
            var received: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                if count < 0, errno == EAGAIN { throw SetupError("the server did not close within 60 s") }
                guard count > 0 else { return String(decoding: received, as: UTF8.self) }
                received += buffer.prefix(count)
            }
        }
    }
}
