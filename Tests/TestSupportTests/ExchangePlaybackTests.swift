import Foundation
import TestSupport
import Testing

@Suite struct ExchangePlaybackTests {
    private let limit = Duration.seconds(60)

    @Test("A whole session arrives over TLS, each frame verbatim, in order, in binary frames")
    func verbatim() async throws {
        let authority = try TestAuthority()
        let session = Session.seeded(7, frameCount: 3_000)
        try await withExchange(session, Playback(), .init(certificate: try authority.server())) { server in
            let client = try await ExchangeClient.open(server, trusting: authority)
            client.subscribe(session)
            let progress = try await server.finished()
            let state = try await client.state.wait(within: limit) { $0.frameCount == 3_000 }
            #expect(state.frames.map(\.payload) == session.frames().map(\.bytes))
            #expect(state.frames.allSatisfy { $0.opcode == 2 && $0.isFinal })
            #expect(progress.delivered == session.totals())
            #expect(progress.playedCount == 3_000 && progress.lostCount == 0 && progress.unwantedCount == 0)
            await client.close()
        }
    }

    @Test("A client that stops reading stops the session; when it reads again, nothing is missing")
    func backPressure() async throws {
        let session = Session.seeded(frameCount: 30)
        // 30 MB do not fit into the buffers of two sockets, so without back-pressure all would be played.
        let faults = Dictionary(uniqueKeysWithValues: (0..<30).map { ($0, [ExchangeFault.pad(bytes: 1_000_000)]) })
        try await withExchange(session, Playback(start: .manual, faults: faults)) { server in
            let client = try await ExchangeClient.open(server, keepsFrames: false)
            client.subscribe(session)
            try await server.observed.wait(within: limit) { $0.subscriptions.count == 1 }
            try await client.setReading(false)
            try await server.resume()
            await #expect(throws: (any Error).self) {
                try await server.observed.wait(within: .seconds(1)) { $0.playback.playedCount == 30 }
            }
            try await client.setReading(true)
            try await client.state.wait(within: limit) { $0.frameCount == 30 }
            await client.close()
        }
    }

    @Test("At a given rate a session takes its time")
    func rate() async throws {
        let session = Session.seeded(frameCount: 100)
        try await withExchange(session, Playback(.framesPerSecond(500))) { server in
            let client = try await ExchangeClient.open(server)
            let start = ContinuousClock.now
            client.subscribe(session)
            try await client.state.wait(within: limit) { $0.frameCount == 100 }
            // The last of 100 frames is due after 99 intervals.
            #expect(ContinuousClock.now - start >= .milliseconds(198))
            await client.close()
        }
    }

    @Test("At the recorded pace, times a factor, a session takes its own time through that factor")
    func recordedPace() async throws {
        // 110 frames at 55 a second: 2 s of the session's time.
        let session = Session.seeded(frameCount: 111)
        try await withExchange(session, Playback(.recorded(factor: 10))) { server in
            let client = try await ExchangeClient.open(server)
            let start = ContinuousClock.now
            client.subscribe(session)
            try await client.state.wait(within: limit) { $0.frameCount == 111 }
            #expect(ContinuousClock.now - start >= .milliseconds(150))
            await client.close()
        }
    }

    @Test("A session that waits goes on where it was when a subscriber is back")
    func waits() async throws {
        let session = Session.seeded(frameCount: 1_000)
        try await withExchange(session, Playback(faults: [400: [.close(code: 1_001)]])) { server in
            let first = try await ExchangeClient.open(server)
            first.subscribe(session)
            let early = try await first.state.wait(within: limit) { $0.isClosed }
            let second = try await ExchangeClient.open(server)
            second.subscribe(session)
            let late = try await second.state.wait(within: limit) { $0.frameCount == 600 }
            #expect(early.closeCode == 1_001)
            #expect((early.dataFrames + late.dataFrames).map(\.payload) == session.frames().map(\.bytes))
            #expect(try await server.finished().lostCount == 0)
            await second.close()
        }
    }

    @Test("A session that does not wait loses the frames of the absence and counts them")
    func loses() async throws {
        let session = Session.seeded(frameCount: 1_000)
        let playback = Playback(absence: .lost, faults: [400: [.hangUp]])
        try await withExchange(session, playback) { server in
            let client = try await ExchangeClient.open(server)
            client.subscribe(session)
            let progress = try await server.finished()
            let state = try await client.state.wait(within: limit) { $0.isClosed }
            #expect(state.closeCode == nil && state.frameCount == 400)
            #expect(progress.delivered.frameCount == 400 && progress.lostCount == 600)
        }
    }

    @Test("Two subscribers get the frames of their own markets, and another session can follow")
    func twoSubscribersAndAnotherSession() async throws {
        let session = Session.seeded(frameCount: 500)
        try await withExchange(session, Playback(start: .manual)) { server in
            let one = try await ExchangeClient.open(server)
            let two = try await ExchangeClient.open(server)
            one.subscribe(["KRW-BTC"])
            two.subscribe(session)
            try await server.observed.wait(within: limit) { $0.subscriptions.count == 2 }
            try await server.resume()
            let bitcoin = session.frames().count { $0.code == "KRW-BTC" }
            try await one.state.wait(within: limit) { $0.frameCount == bitcoin }
            try await two.state.wait(within: limit) { $0.frameCount == 500 }
            try await server.load(.seeded(2, frameCount: 50))
            try await two.state.wait(within: limit) { $0.frameCount == 550 }
            #expect(try await server.finished().playedCount == 50)
            await one.close()
            await two.close()
        }
    }

    @Test("A paused session sends nothing until it goes on")
    func pause() async throws {
        // It is not over before it is paused.
        let session = Session.seeded(frameCount: 30_000)
        try await withExchange(session, Playback(.framesPerSecond(500))) { server in
            let client = try await ExchangeClient.open(server)
            client.subscribe(session)
            try await client.state.wait(within: limit) { $0.frameCount >= 10 }
            try await server.pause()
            let count = server.observed.value.playback.playedCount
            await #expect(throws: (any Error).self) { try await server.finished(within: .milliseconds(150)) }
            #expect(server.observed.value.playback.playedCount == count)
            try await server.resume()
            try await client.state.wait(within: limit) { $0.frameCount > count + 10 }
            await client.close()
        }
    }
}
