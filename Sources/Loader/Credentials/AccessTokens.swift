import FoundationEssentials

/// A token and when it ends.
struct AccessToken: Sendable {
    let text: String
    let expiresAt: Date
}

/// Hands out the access token, and gets a new one before the old one ends.
///
/// Many requests in flight share one refresh: a token endpoint has limits, too.
actor AccessTokens {
    private let fetch: (@Sendable () async throws -> AccessToken)?
    private let now: @Sendable () -> Date
    private var token: AccessToken?
    private var refresh: Task<AccessToken, any Error>?

    /// Google's libraries refresh so long before the end; the metadata server hands out the same
    /// token until then, so asking earlier is in vain.
    static let refreshSecondsBeforeEnd = 225.0

    /// - Parameter fetch: gets a new token; nil when the endpoint asks for none.
    init(now: @escaping @Sendable () -> Date = { .now }, fetch: (@Sendable () async throws -> AccessToken)?) {
        self.fetch = fetch
        self.now = now
    }

    /// A token that is good for some minutes; nil when none is needed.
    func current() async throws -> String? {
        guard let fetch else { return nil }
        if let token, now() < token.expiresAt.addingTimeInterval(-Self.refreshSecondsBeforeEnd) {
            return token.text
        }
        let task = refresh ?? Task { try await fetch() }
        refresh = task
        defer { if refresh == task { refresh = nil } }
        let fresh = try await task.value
        token = fresh
        return fresh.text
    }

    /// Forgets a token that was refused, unless another caller has replaced it already.
    func discard(_ refused: String) {
        if token?.text == refused { token = nil }
    }
}
