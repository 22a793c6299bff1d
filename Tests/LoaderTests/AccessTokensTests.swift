import Foundation
import Synchronization
import Testing

@testable import Loader

@Suite("Access tokens")
struct AccessTokensTests {
    /// A clock and an endpoint that the test holds in its hands.
    private final class World: Sendable {
        let seconds = Mutex(0.0)
        let fetches = Mutex(0)

        func fetch() -> AccessToken {
            let number = fetches.withLock { fetches in
                fetches += 1
                return fetches
            }
            return AccessToken(text: "token\(number)", expiresAt: now().addingTimeInterval(3600))
        }

        func now() -> Date { Date(timeIntervalSince1970: seconds.withLock { $0 }) }
    }

    private let world = World()
    private var tokens: AccessTokens {
        AccessTokens(now: { [world] in world.now() }, fetch: { [world] in world.fetch() })
    }

    @Test("A token is kept until 3 minutes 45 seconds before its end")
    func renewal() async throws {
        let tokens = tokens
        #expect(try await tokens.current() == "token1")
        world.seconds.withLock { $0 = 3_374 }
        #expect(try await tokens.current() == "token1")
        world.seconds.withLock { $0 = 3_375 }
        #expect(try await tokens.current() == "token2")
    }

    @Test("Callers at the same time share one request")
    func shared() async throws {
        let tokens = tokens
        try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<20 { group.addTask { try await tokens.current() } }
            for try await token in group { #expect(token == "token1") }
        }
        #expect(world.fetches.withLock { $0 } == 1)
    }

    @Test("A refused token is replaced once, however many callers were refused with it")
    func discarded() async throws {
        let tokens = tokens
        _ = try await tokens.current()
        await tokens.discard("token1")
        #expect(try await tokens.current() == "token2")
        await tokens.discard("token1")
        #expect(try await tokens.current() == "token2")
    }

    @Test("An emulator needs none")
    func none() async throws {
        #expect(try await AccessTokens(fetch: nil).current() == nil)
    }
}
