/// What the exchange saw, for tests to look at and to wait for.
package struct ExchangeObservations: Sendable {
    /// A WebSocket that was opened.
    package struct Connection: Sendable {
        package let id: Int
        package let openedAt: ContinuousClock.Instant
        package let headers: [(name: String, value: String)]
        package internal(set) var closedAt: ContinuousClock.Instant?
        /// The code of the client's close frame.
        package internal(set) var closeCode: UInt16?
        package internal(set) var pingCount = 0
        /// What the client answered to pings.
        package internal(set) var pongs: [[UInt8]] = []
        package internal(set) var textPingCount = 0
    }

    /// A subscribe that was accepted.
    package struct Subscription: Sendable {
        package let connection: Int
        package let ticket: String
        /// As the client wrote them, unknown ones too.
        package let codes: [String]
        package let isOnlySnapshot: Bool
        package let isOnlyRealtime: Bool
    }

    /// Where a connection's first subscription let the session go on, see ``Playback/Absence/rewinds``.
    package struct Resumption: Sendable {
        package let connection: Int
        /// The first frame that the client has not got, from 0.
        package let wanted: Int
        /// How many frames had been played. More than that nobody can have got.
        package let reached: Int
        /// When that was, since 1970.
        package let microseconds: Int64
        /// When the last frame that the client has got was sent; nil when it has none, or one that was never sent.
        package let lastSent: Int64?
        /// When this connection's first frame was sent; nil when it got none. No frame arrives before its time.
        package internal(set) var firstSent: Int64?

        package init(
            connection: Int, wanted: Int, reached: Int, microseconds: Int64, lastSent: Int64?, firstSent: Int64? = nil
        ) {
            self.connection = connection
            self.wanted = wanted
            self.reached = reached
            self.microseconds = microseconds
            self.lastSent = lastSent
            self.firstSent = firstSent
        }
    }

    /// TCP connections, whatever became of them.
    package internal(set) var acceptedCount = 0
    package internal(set) var connections: [Connection] = []
    /// Statuses of upgrades that were refused.
    package internal(set) var refusals: [Int] = []
    package internal(set) var subscriptions: [Subscription] = []
    package internal(set) var resumptions: [Resumption] = []
    /// Names of the errors that were sent for bad messages.
    package internal(set) var errors: [String] = []
    /// Paths of the other requests.
    package internal(set) var requests: [String] = []
    package internal(set) var playback = PlaybackProgress()

    package var openCount: Int { connections.count { $0.closedAt == nil } }
    package var pingCount: Int { connections.reduce(0) { $0 + $1.pingCount } }
}

/// How far the session is. ``playedCount`` is the sum of the delivered, the lost and the unwanted; frames
/// that were played again count again.
package struct PlaybackProgress: Sendable {
    package internal(set) var playedCount = 0
    /// How many frames of the session are behind; a rewind makes it smaller.
    package internal(set) var position = 0
    /// The frames that were written to at least one connection, with their exact sums.
    package internal(set) var delivered = SessionTotals()
    /// Frames while nobody was subscribed.
    package internal(set) var lostCount = 0
    /// Frames of markets that nobody asked for.
    package internal(set) var unwantedCount = 0
    /// All frames were played, and their bytes went to the operating system.
    package internal(set) var isFinished = false
}
