import Glibc
import TestSupport

/// A port of which the kernel drops every further attempt to connect: its queue is full, and nobody takes
/// anything out of it.
final class BlackHole {
    let port: UInt16
    private var sockets: [Int32] = []

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        sockets.append(listener)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withSockaddr(&address) { address in
            bind(listener, address, size) == 0 && listen(listener, 0) == 0 && getsockname(listener, address, &size) == 0
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isListening else { throw SetupError("no port: errno \(errno)") }
        // The first fills the queue of a length of 0; the others make sure of it.
        for _ in 0..<3 {
            let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK, 0)
            sockets.append(client)
            _ = withSockaddr(&address) { connect(client, $0, size) }
        }
    }

    deinit { for socket in sockets { close(socket) } }
}

func withSockaddr<Result>(
    _ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) -> Result
) -> Result {
    withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
    }
}
