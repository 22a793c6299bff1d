import CWebSockets
import Synchronization

/// The one thread on which libwebsockets lives: its context, timers and connections.
///
/// ``run()`` is called once, on a thread of its own, and blocks until ``stop()``. Everything else is
/// called on that thread, from the callbacks that it makes; only ``wake()`` and ``stop()`` may come
/// from others (libwebsockets, "Libwebsockets and multithreading").
package final class EventLoop: @unchecked Sendable {
    let context: OpaquePointer
    private let protocols: UnsafeMutablePointer<lws_protocols>
    private let strings: CStrings
    private let isStopping = Atomic(false)
    private let wakeHandler = WakeHandler()
    /// Connections that libwebsockets may still call: it holds no reference that Swift knows of.
    private var wires: [ObjectIdentifier: Wire] = [:]

    /// - Parameter certificateAuthorityFile: PEM certificates to trust beside the system's.
    /// - Throws: ``WebSocketError`` when the file cannot be used.
    package init(certificateAuthorityFile: String? = nil) throws(WebSocketError) {
        lws_set_log_level(0, nil)  // what fails is told by the callbacks, with its reason
        strings = CStrings(["client", certificateAuthorityFile])
        // The list must outlive the context and ends with an empty element.
        protocols = .allocate(capacity: 2)
        protocols.initialize(repeating: lws_protocols(), count: 2)
        protocols[0].name = strings[0]
        protocols[0].callback = handleEvent
        protocols[0].rx_buffer_size = Self.receiveBufferBytes

        var information = lws_context_creation_info()
        information.port = CONTEXT_PORT_NO_LISTEN
        information.protocols = UnsafePointer(protocols)
        information.options = UInt64(LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT)
        information.client_ssl_ca_filepath = strings[1]
        information.gid = .init(truncatingIfNeeded: -1)
        information.uid = .init(truncatingIfNeeded: -1)
        // Without a limit lws sizes its tables by RLIMIT_NOFILE, which can be a million.
        information.fd_limit_per_thread = 32
        information.pt_serv_buf_size = UInt32(Self.receiveBufferBytes)
        information.user = Unmanaged.passUnretained(wakeHandler).toOpaque()
        information.timeout_secs = 10
        information.connect_timeout_secs = 10
        guard let context = lws_create_context(&information) else {
            protocols.deallocate()
            let file = certificateAuthorityFile.map { "; is \($0) a PEM file of certificates?" } ?? ""
            throw WebSocketError("libwebsockets cannot start\(file)")
        }
        self.context = context
    }

    deinit {
        lws_context_destroy(context)
        protocols.deallocate()
    }

    /// As much as a record of TLS has at most, so a larger one would bring no more at once.
    static let receiveBufferBytes = 1 << 14

    /// Calls back for everything that happens until ``stop()``; blocks.
    ///
    /// - Parameter onWake: called after each ``wake()``; several may be merged into one.
    /// - Throws: when libwebsockets cannot go on.
    package func run(onWake: @escaping () -> Void) throws(WebSocketError) {
        wakeHandler.action = onWake
        // With 0 lws waits as long as it likes; events, timers and lws_cancel_service end the wait.
        defer { wakeHandler.action = {} }
        while !isStopping.load(ordering: .acquiring) {
            guard lws_service(context, 0) >= 0 else { throw WebSocketError("libwebsockets cannot go on") }
        }
    }

    /// Makes ``run(onWake:)`` call its closure. Any thread.
    ///
    /// The corresponding C function is `lws_cancel_service`.
    package func wake() { lws_cancel_service(context) }

    /// Makes ``run(onWake:)`` return. Any thread.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        wake()
    }

    /// Calls `action` once after `delay`, unless the timer that is returned is cancelled or dropped.
    package func schedule(after delay: Duration, _ action: @escaping () -> Void) -> LoopTimer {
        LoopTimer(context, after: delay, action)
    }

    func retain(_ wire: Wire) { wires[ObjectIdentifier(wire)] = wire }
    func release(_ wire: Wire) { wires[ObjectIdentifier(wire)] = nil }
}

/// What a wake-up calls. Its own object, since the context is made before the loop is.
private final class WakeHandler {
    var action: () -> Void = {}
}

/// A connection's side of libwebsockets' callback.
package class Wire {
    /// - Returns: 0, or -1 to close the connection.
    func handle(
        _ reason: lws_callback_reasons, _ wsi: OpaquePointer, _ bytes: UnsafeMutableRawPointer?, _ count: Int
    ) -> CInt { 0 }
}

private func handleEvent(
    wsi: OpaquePointer?, reason: lws_callback_reasons, user: UnsafeMutableRawPointer?,
    in bytes: UnsafeMutableRawPointer?, len: Int
) -> CInt {
    if reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED, let user = lws_context_user(lws_get_context(wsi)) {
        Unmanaged<WakeHandler>.fromOpaque(user).takeUnretainedValue().action()
        return 0
    }
    guard let wsi, let object = lws_get_opaque_user_data(wsi) else { return 0 }
    return Unmanaged<Wire>.fromOpaque(object).takeUnretainedValue().handle(reason, wsi, bytes, len)
}
