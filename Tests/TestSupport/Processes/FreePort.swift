import Glibc

/// A TCP port on 127.0.0.1 that nobody listens on now.
///
/// Another program can take it before its user does, so who uses it must be ready to ask again. Our own
/// servers bind port 0 instead; this is for programs that must be told their port.
package func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw SetupError("no socket: errno \(errno)") }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            bind(descriptor, address, size) == 0 && getsockname(descriptor, address, &size) == 0
        }
    }
    guard result else { throw SetupError("no free port: errno \(errno)") }
    return Int(UInt16(bigEndian: address.sin_port))
}
