import CWebSockets

/// A timer of an ``EventLoop``. It fires once; cancelling or dropping it before keeps it from firing.
package final class LoopTimer {
    private let timer: UnsafeMutablePointer<cwebsockets_timer>
    private var action: (() -> Void)?

    init(_ context: OpaquePointer, after delay: Duration, _ action: @escaping () -> Void) {
        self.action = action
        timer = .allocate(capacity: 1)
        timer.initialize(to: cwebsockets_timer())
        timer.pointee.owner = Unmanaged.passUnretained(self).toOpaque()
        let (seconds, attoseconds) = delay.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        lws_sul_schedule(context, 0, &timer.pointee.list, timerFired, max(1, microseconds))
    }

    deinit {
        cancel()
        timer.deallocate()
    }

    package func cancel() {
        lws_sul_cancel(&timer.pointee.list)
        action = nil
    }

    fileprivate func fire() {
        let action = self.action
        self.action = nil
        action?()
    }
}

private func timerFired(list: UnsafeMutablePointer<lws_sorted_usec_list_t>?) {
    guard let owner = cwebsockets_timer_owner(list) else { return }
    Unmanaged<LoopTimer>.fromOpaque(owner).takeUnretainedValue().fire()
}
