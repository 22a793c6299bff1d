/// How long to wait before the next try: exponential, with full jitter.
///
/// Full jitter (a time between zero and the bound) keeps many clients that failed together from
/// coming back together.
package struct Backoff: Sendable {
    private let base: Duration
    private let limit: Duration
    private var failures = 0

    /// - Parameters:
    ///   - base: the bound of the first wait; it doubles with every failure.
    ///   - limit: the bound never grows beyond this.
    package init(base: Duration, limit: Duration) {
        self.base = base
        self.limit = limit
    }

    /// The wait after one more failure.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let bound = min(limit, base * (1 << min(failures, 30)))
        failures += 1
        return bound * Double.random(in: 0...1, using: &generator)
    }

    package mutating func next() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }

    /// After a success: the next failure waits as little as the first one did.
    package mutating func reset() { failures = 0 }
}
