import Synchronization
import TestSupport

/// Holds the first request of an endpoint when it has arrived; its sender goes on waiting for the answer.
final class HeldRequest: Sendable {
    private enum Step { case arrived, released, done }

    private let endpoint: Endpoint
    private let index = Mutex<Int?>(nil)
    private let steps = EventLog<Step>()

    init(_ endpoint: Endpoint) { self.endpoint = endpoint }

    func stepIn(_ moment: RequestMoment) async {
        let isOurs = index.withLock { index in
            if index == nil, moment.endpoint == endpoint { index = moment.index }
            return index == moment.index
        }
        guard isOurs else { return }
        switch moment.phase {
        case .arrived:
            steps.append(.arrived)
            _ = try? await steps.first(within: .seconds(240), "the held request's turn") { $0 == .released }
        case .done: steps.append(.done)
        }
    }

    func arrived() async throws {
        _ = try await steps.first(within: .seconds(60), "a request: \(endpoint)") { $0 == .arrived }
    }

    /// Returns when the request was carried out.
    func release() async throws {
        steps.append(.released)
        _ = try await steps.first(within: .seconds(60), "the end of the held request") { $0 == .done }
    }
}
