import Synchronization

/// A value that changes on one thread and that tests wait for on another, with a time limit.
package final class WatchedValue<Value: Sendable>: Sendable {
    /// Nothing fulfilled the condition in time.
    package struct TimeLimitReached: Error, CustomStringConvertible {
        package let limit: Duration
        package let last: Value

        package var description: String { "not fulfilled within \(limit); last: \(last)" }
    }

    private struct Waiter {
        let condition: @Sendable (Value) -> Bool
        let continuation: CheckedContinuation<Value, any Error>
    }

    private struct State {
        var value: Value
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
    }

    private let state: Mutex<State>

    package init(_ value: Value) { state = Mutex(State(value: value)) }

    package var value: Value { state.withLock { $0.value } }

    /// Changes the value and wakes those whose condition it now fulfils.
    package func update(_ body: (inout Value) -> Void) {
        let (value, woken) = state.withLock { state in
            body(&state.value)
            let fulfilled = state.waiters.filter { $0.value.condition(state.value) }
            for id in fulfilled.keys { state.waiters[id] = nil }
            return (fulfilled.isEmpty ? nil : state.value, fulfilled.values.map(\.continuation))
        }
        guard let value else { return }
        for continuation in woken { continuation.resume(returning: value) }
    }

    /// Returns the value as soon as it fulfils the condition.
    @discardableResult
    package func wait(
        within limit: Duration = .seconds(60), for condition: @escaping @Sendable (Value) -> Bool
    ) async throws -> Value {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let timer = Task {
            try await Task.sleep(for: limit)
            giveUp(id) { TimeLimitReached(limit: limit, last: $0) }
        }
        defer { timer.cancel() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let value = state.withLock { state in
                    if condition(state.value) { return Optional(state.value) }
                    state.waiters[id] = Waiter(condition: condition, continuation: continuation)
                    return nil
                }
                if let value { continuation.resume(returning: value) }
                // Cancelled before it began to wait, it would not be told.
                if Task.isCancelled { giveUp(id) { _ in CancellationError() } }
            }
        } onCancel: {
            giveUp(id) { _ in CancellationError() }
        }
    }

    private func giveUp(_ id: Int, _ error: (Value) -> any Error) {
        let (waiter, value) = state.withLock { ($0.waiters.removeValue(forKey: id), $0.value) }
        waiter?.continuation.resume(throwing: error(value))
    }
}
