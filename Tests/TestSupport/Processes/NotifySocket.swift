import Foundation
import Glibc

/// A service manager's socket: what a service tells it, a datagram an event.
package final class NotifySocket: Sendable {
    /// For `$NOTIFY_SOCKET`.
    package let name: String
    package let messages = EventLog<String>()
    private let descriptor: Int32
    private let folder: TemporaryFolder?

    /// - Parameter isAbstract: a name in the kernel's table instead of a file.
    package init(isAbstract: Bool = false) throws {
        folder = isAbstract ? nil : try TemporaryFolder()
        name = folder.map { "\($0.path)/notify" } ?? "@ticker-tests-\(UUID())"
        let bytes = name.utf8.map { isAbstract && $0 == UInt8(ascii: "@") ? 0 : $0 }
        var address = sockaddr_un()
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SetupError("\(name) is too long for a socket: set TMPDIR to a shorter folder")
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        self.descriptor = descriptor
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = MemoryLayout<sa_family_t>.size + bytes.count
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(length)) == 0 }
        }
        guard isBound else { throw SetupError("no socket \(name): errno \(errno)") }
        Thread.detachNewThread { [messages] in
            var buffer = [UInt8](repeating: 0, count: 8_192)
            while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 {
                messages.append(String(decoding: buffer[..<count], as: UTF8.self))
            }
            close(descriptor)
            messages.close()
        }
    }

    /// Ends the thread that reads.
    deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }
}
