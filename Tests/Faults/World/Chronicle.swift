import Runtime
import Synchronization

/// A span of wall-clock time: microseconds since 1970.
struct Span: Equatable, Sendable {
    let from: Int64
    let to: Int64

    func contains(_ time: Int64) -> Bool { from <= time && time <= to }

    func overlaps(_ other: Span) -> Bool { from <= other.to && other.from <= to }
}

/// When what happened that explains a gap, for whoever judges the gap ledger.
final class Chronicle: Sendable {
    enum Kind: CaseIterable, Sendable {
        /// The producer's connections were cut, and maybe refused.
        case cut
        /// What the exchange had sent could not reach the producer, or not as fast.
        case delay
        /// The exchange sent nothing on purpose.
        case silence
        /// The disk of the spool had no room.
        case fullDisk
        /// Only for the moments at which it was seen.
        case fullSpool
    }

    private let spans = Mutex<[Kind: [Span]]>([:])

    subscript(kind: Kind) -> [Span] { spans.withLock { $0[kind] ?? [] } }

    func add(_ kind: Kind, _ span: Span) { spans.withLock { $0[kind, default: []].append(span) } }

    /// Notes how long `body` takes.
    func during<Result>(
        _ kind: Kind, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async rethrows -> Result {
        let start = Self.now
        defer { add(kind, Span(from: start, to: Self.now)) }
        return try await body()
    }

    /// Microseconds since 1970.
    static var now: Int64 { Int64(microsecondsSince1970()) }
}
