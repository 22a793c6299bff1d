import FoundationEssentials
import Glibc

/// Whoever started this process and wants to hear how it does: systemd, for a unit with `Type=notify` or
/// `NotifyAccess=main`. Nobody, when it was started otherwise.
///
/// The protocol is that of sd_notify(3): lines of `NAME=value` in one datagram to the socket that
/// `$NOTIFY_SOCKET` names; nobody answers. Any thread.
package struct ServiceManager: Sendable {
    package enum Message: Sendable {
        /// The start is over. Units that are ordered behind this one start now.
        case ready
        /// A stop was asked for, or the work is done.
        case stopping
        /// The loops that do the work turn; see ``Watchdog``.
        case alive
        /// What it does now, for people: `systemctl status` shows it.
        case status(String)
        /// The start, which for a command that runs to its end is all of the work, goes on and may last for so
        /// long from now. It never shortens the unit's own limit.
        case extendTimeout(by: Duration)
    }

    /// Within how long a ``Message/alive`` has to follow the one before; nil when nobody asked for it.
    package let watchdogInterval: Duration?
    /// Of the socket, as bytes of `sockaddr_un.sun_path`; nil when nobody listens.
    private let path: [UInt8]?

    /// - Parameters:
    ///   - environment: of the process. A `.env` file has no say in who started it.
    ///   - processID: of the process. The watchdog may have been meant for another one that handed its environment on.
    package init(
        _ environment: [String: String] = ProcessInfo.processInfo.environment, processID: Int32 = getpid()
    ) {
        path = environment["NOTIFY_SOCKET"].flatMap(socketPath)
        let isWatched = environment["WATCHDOG_PID"].map { $0 == "\(processID)" } ?? true
        watchdogInterval = environment["WATCHDOG_USEC"].flatMap { Int64($0) }
            .flatMap { isWatched && $0 > 0 ? .microseconds($0) : nil }
    }

    /// Tells, all in one datagram; false when nobody heard it, which changes nothing for who tells.
    ///
    /// A manager that is behind with reading is waited for only when it is told of the start or the stop: the
    /// rest comes again.
    @discardableResult
    package func tell(_ messages: Message...) -> Bool {
        guard let path else { return false }
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let flags = messages.contains(where: \.mayBeLost) ? CInt(MSG_DONTWAIT) : 0
        let text = messages.map(\.assignment).joined(separator: "\n")
        return send(Array(text.utf8), to: path, flags | CInt(MSG_NOSIGNAL), by: descriptor)
    }
}

extension ServiceManager.Message {
    fileprivate var assignment: String {
        switch self {
        case .ready: "READY=1"
        case .stopping: "STOPPING=1"
        case .alive: "WATCHDOG=1"
        case .status(let text): "STATUS=\(oneLine(text))"
        case .extendTimeout(let duration): "EXTEND_TIMEOUT_USEC=\(Int(duration / .microseconds(1)))"
        }
    }

    fileprivate var mayBeLost: Bool {
        switch self {
        case .ready, .stopping: false
        case .alive, .status, .extendTimeout: true
        }
    }
}

/// A status can quote a peer, and a line feed in it would begin another message.
private func oneLine(_ text: String) -> String {
    String(text.prefix(statusLength).map { $0.isNewline ? " " : $0 })
}

/// Managers take a page at most in one datagram.
private let statusLength = 500

/// An absolute path, or a name in the kernel's own table (`@name`), which begins with a zero byte there. nil for
/// what a Unix socket has no room for, and for other kinds of sockets, such as those of virtual machines.
private func socketPath(_ text: String) -> [UInt8]? {
    let bytes = Array(text.utf8)
    guard bytes.count > 1, bytes.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else { return nil }
    switch bytes[0] {
    case UInt8(ascii: "/"): return bytes
    case UInt8(ascii: "@"): return [0] + bytes.dropFirst()
    default: return nil
    }
}

/// - Returns: false when it was not taken.
private func send(_ bytes: [UInt8], to path: [UInt8], _ flags: CInt, by descriptor: CInt) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    // Without what is behind the name: of a name in the kernel's table zero bytes would be a part.
    let length = (MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 0) + path.count
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            var sent = sendto(descriptor, bytes, bytes.count, flags, address, socklen_t(length))
            while sent < 0, errno == EINTR {
                sent = sendto(descriptor, bytes, bytes.count, flags, address, socklen_t(length))
            }
            return sent == bytes.count
        }
    }
}
