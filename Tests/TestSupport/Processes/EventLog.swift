import Synchronization

/// What happened so far, in order, and a way to wait for what happens next with a limit of time.
///
/// A test that waits here is woken by the event itself: no polling, and no event that comes between
/// the look and the wait is missed.
package final class EventLog<Element: Sendable>: Sendable {
    private struct Waiter {
        let matches: @Sendable (Element) -> Bool
        let continuation: CheckedContinuation<Element?, any Error>
    }

    private struct State {
        var elements: [Element] = []
        /// How many elements were dropped from the front of ``elements``.
        var dropped = 0
        var isClosed = false
        var waiters: [Int: Waiter] = [:]
        /// Waits that ended before they began: their task was cancelled, or the limit is very short.
        var refused: [Int: any Error] = [:]
        var nextWait = 0
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// - Parameter capacity: the oldest elements are dropped beyond this.
    package init(capacity: Int = 100_000) { self.capacity = capacity }

    /// The elements that are still kept, oldest first.
    package var elements: [Element] { state.withLock { $0.elements } }

    /// Those that came when there had been `position` already, as far as they are still kept.
    package func elements(after position: Int) -> ArraySlice<Element> {
        state.withLock { $0.elements.dropFirst(max(0, position - $0.dropped)) }
    }

    /// How many elements there ever were: the position to give to ``first(after:within:_:where:)``
    /// for waiting only for what comes from now on.
    package var count: Int { state.withLock { $0.dropped + $0.elements.count } }

    package func append(_ element: Element) {
        let woken = state.withLock { state in
            guard !state.isClosed else { return [Waiter]() }
            state.elements.append(element)
            if state.elements.count > capacity {
                // Half at once, so that dropping costs little for each element.
                let excess = state.elements.count - capacity / 2
                state.elements.removeFirst(excess)
                state.dropped += excess
            }
            let woken = state.waiters.filter { $0.value.matches(element) }
            for id in woken.keys { state.waiters[id] = nil }
            return Array(woken.values)
        }
        for waiter in woken { waiter.continuation.resume(returning: element) }
    }

    /// Says that nothing more will happen. Whoever waits is told.
    package func close() {
        let woken = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in woken { waiter.continuation.resume(returning: nil) }
    }

    /// The first element that matches, of those that are kept or still to come.
    ///
    /// - Parameters:
    ///   - position: elements before it do not count; see ``count``.
    ///   - what: ends the sentence "waited in vain for …" in the error.
    package func first(
        after position: Int = 0, within limit: Duration, _ what: String,
        where matches: @escaping @Sendable (Element) -> Bool
    ) async throws -> Element {
        guard let element = try await wait(after: position, within: limit, what, matches) else {
            throw WaitError(what: what, reason: "it ended before")
        }
        return element
    }

    /// Returns when the log is closed.
    package func closed(within limit: Duration, _ what: String) async throws {
        _ = try await wait(after: .max, within: limit, what) { _ in false }
    }

    /// Nil when the log was closed before an element matched.
    private func wait(
        after position: Int, within limit: Duration, _ what: String,
        _ matches: @escaping @Sendable (Element) -> Bool
    ) async throws -> Element? {
        let id = state.withLock { state in
            state.nextWait += 1
            return state.nextWait
        }
        let alarm = Task {
            try await Task.sleep(for: limit)
            refuse(id, WaitError(what: what, reason: "not within \(limit)"))
        }
        defer {
            alarm.cancel()
            state.withLock { _ = $0.refused.removeValue(forKey: id) }
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                register(id, Waiter(matches: matches, continuation: continuation), after: position)
            }
        } onCancel: {
            refuse(id, CancellationError())
        }
    }

    private func register(_ id: Int, _ waiter: Waiter, after position: Int) {
        let answer: Result<Element?, any Error>? = state.withLock { state in
            if let error = state.refused[id] { return .failure(error) }
            let start = min(max(0, position - state.dropped), state.elements.count)
            if let element = state.elements[start...].first(where: waiter.matches) { return .success(element) }
            if state.isClosed { return .success(nil) }
            state.waiters[id] = waiter
            return nil
        }
        if let answer { waiter.continuation.resume(with: answer) }
    }

    private func refuse(_ id: Int, _ error: any Error) {
        let waiter = state.withLock { state in
            let waiter = state.waiters.removeValue(forKey: id)
            if waiter == nil { state.refused[id] = error }
            return waiter
        }
        waiter?.continuation.resume(throwing: error)
    }
}

/// An event did not come.
package struct WaitError: Error, CustomStringConvertible {
    let what: String
    let reason: String

    package var description: String { "waited in vain for \(what): \(reason)" }
}
