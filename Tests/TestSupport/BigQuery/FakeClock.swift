import Foundation
import Synchronization

/// A clock that runs with the real one, ahead of it by as much as a test says.
package final class FakeClock: Sendable {
    private let offsetMicroseconds = Mutex<Int64>(0)

    package init() {}

    /// Microseconds since 1970.
    package var now: Int64 {
        Int64(Date().timeIntervalSince1970 * 1_000_000) + offsetMicroseconds.withLock { $0 }
    }

    package func advance(by duration: Duration) {
        let (seconds, attoseconds) = duration.components
        offsetMicroseconds.withLock { $0 += seconds * 1_000_000 + attoseconds / 1_000_000_000_000 }
    }
}

extension Duration {
    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
