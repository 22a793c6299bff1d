/// How the exchange behaves towards everybody; the defaults are the real one's.
package struct ExchangeSettings: Sendable {
    /// Speaks TLS with this certificate; plain TCP without one.
    package var certificate: TestAuthority.Certificate?
    /// A connection on which nothing was sent or received for so long ends without a close frame.
    package var idleLimit: Duration = .seconds(120)
    /// Between two `{"status":"UP"}`, once a text `PING` has asked for them.
    package var statusInterval: Duration = .seconds(10)
    /// Between an error frame and the close.
    package var closeDelay: Duration = .milliseconds(150)
    package var connectionsPerSecond = 5
    package var messagesPerSecond = 5
    package var messagesPerMinute = 100

    package init(certificate: TestAuthority.Certificate? = nil) { self.certificate = certificate }
}

/// How a session is played.
package struct Playback: Sendable {
    package enum Pace: Sendable {
        case framesPerSecond(Int)
        /// At the recorded times, so many times faster.
        case recorded(factor: Double)
        /// As fast as the slowest subscriber reads. Nothing is dropped, memory stays bounded.
        case unlimited
    }

    /// What happens to frames while nobody is subscribed.
    package enum Absence: Sendable {
        /// They are lost, as in reality.
        case lost
        /// The session waits. What a connection had in flight when it broke is lost all the same.
        case waits
        /// The session waits, and goes on where the next connection says: the ticket of its subscription
        /// ends with `-` and the number, from 1, of the frame that its client has not got yet. So nothing
        /// that was in flight is lost. There is one subscriber; another one takes its place.
        case rewinds
    }

    package enum Start: Sendable {
        case firstSubscription
        /// ``ExchangeServer/resume()`` starts it.
        case manual
    }

    package var pace: Pace
    package var absence: Absence
    package var start: Start
    /// What goes wrong right before the frame of this position (from 0) is sent, or with it.
    package var faults: [Int: [ExchangeFault]]

    package init(
        _ pace: Pace = .unlimited, absence: Absence = .waits, start: Start = .firstSubscription,
        faults: [Int: [ExchangeFault]] = [:]
    ) {
        self.pace = pace
        self.absence = absence
        self.start = start
        self.faults = faults
    }
}

/// Something that an exchange, or the network before it, does wrong. It happens to every connection that
/// is open.
package enum ExchangeFault: Sendable {
    /// The next frame of the session comes in so many fragments.
    case fragment(pieces: Int)
    /// The next frame of the session is a text frame.
    case textFrame
    /// The next frame of the session has an unknown field that makes it at least so long.
    case pad(bytes: Int)

    /// An additional ticker frame with bytes that are not UTF-8.
    case invalidUTF8
    /// An additional ticker frame that ends in its middle.
    case truncatedJSON
    /// An additional binary frame.
    case frame([UInt8])
    /// Bytes on the wire that need not be a frame.
    case wireBytes([UInt8])
    /// An additional `{"status":"UP"}`.
    case status
    /// An error frame, without the close that follows a real one.
    case error(name: String, message: String)

    /// No data any more on the open connections; pings are answered or not.
    case stall(answeringPings: Bool)
    /// The stalled connections go on.
    case recover
    /// The connection ends without a close frame, by FIN.
    case hangUp
    /// The connection ends by RST.
    case reset
    /// A proper close.
    case close(code: UInt16)
}

/// How the exchange answers a client that connects.
package enum ExchangeDoor: Sendable {
    case open
    /// TCP connections are refused.
    case refusing
    /// TCP connections are accepted, and then nothing happens, not even TLS.
    case silent
    /// HTTP requests are never answered.
    case silentHTTP
    /// The upgrade is answered with this status, such as 503.
    case status(Int)
}

/// What is wrong with the market list.
package enum RestFault: Sendable {
    case status(Int)
    /// A 200 whose body is not JSON.
    case garbage
    case hang
}
