import Foundation
import TestSupport
import Testing

@Suite struct ExchangeRewindTests {
    private let limit = Duration.seconds(60)

    @Test("In a numbered session every volume's decimals are the frame's number, from 1, in every spelling")
    func numbers() throws {
        var settings = SeededSettings(seed: 9, frameCount: 20_000)
        settings.isNumbered = true
        let trades = Session.seeded(settings).frames().map(\.trade)
        #expect(trades.map(\.number) == Array(1...20_000))
        #expect(trades.allSatisfy { ExactDecimal($0.volumeText) == $0.volume && !$0.isRepeat })
        #expect(trades.contains { $0.volumeText.contains("E-") } && trades.contains { $0.volumeText.contains("e-") })
    }

    @Test("A connection goes on at the frame that its ticket names, with the same bytes and sums as before")
    func rewinds() async throws {
        let session = Session.seeded(frameCount: 10_000)
        try await withExchange(session, Playback(absence: .rewinds, faults: [9_000: [.reset]])) { server in
            let expected = session.frames().map(\.bytes)
            let first = try await ExchangeClient.open(server)
            first.subscribe(session, ticket: "tester-1")
            try await first.state.wait(within: limit) { $0.isClosed }
            for start in [4_500, 4_000] {
                let client = try await ExchangeClient.open(server)
                client.subscribe(session, ticket: "tester-5f-\(start + 1)")
                try await server.finished()
                let state = try await client.state.wait(within: limit) { $0.frameCount == 10_000 - start }
                #expect(state.frames.map(\.payload) == Array(expected[start...]))
                await client.close()
            }
            #expect(server.observed.value.resumptions.map(\.wanted) == [0, 4_500, 4_000])
            let resumptions = server.observed.value.resumptions
            #expect(resumptions.map(\.reached) == [0, 9_000, 10_000])
            // When the last frame that the client has was sent, and the first one on its new connection.
            #expect(resumptions.first?.lastSent == nil)
            for next in resumptions.dropFirst() {
                let times = [resumptions.first?.firstSent, next.lastSent, next.microseconds, next.firstSent].compactMap(
                    \.self)
                #expect(times.count == 4 && times == times.sorted())
            }
        }
    }

    @Test("A new subscriber takes the place of one that does not read, and the session does not wait for that one")
    func takesOver() async throws {
        let session = Session.seeded(frameCount: 30)
        let faults = Dictionary(uniqueKeysWithValues: (0..<30).map { ($0, [ExchangeFault.pad(bytes: 1_000_000)]) })
        try await withExchange(session, Playback(absence: .rewinds, faults: faults)) { server in
            let silent = try await ExchangeClient.open(server, keepsFrames: false)
            try await silent.setReading(false)
            silent.subscribe(session, ticket: "tester-1")
            try await server.observed.wait(within: limit) { $0.playback.playedCount > 0 }
            let client = try await ExchangeClient.open(server, keepsFrames: false)
            client.subscribe(session, ticket: "tester-1")
            try await client.state.wait(within: limit) { $0.frameCount == 30 }
            await client.close()
            await silent.close()
        }
    }

    @Test("How far the session is says at once where a connection went on, also while nothing is played")
    func tellsPosition() async throws {
        let session = Session.seeded(frameCount: 10_000)
        try await withExchange(session, Playback(.framesPerSecond(1_000), absence: .rewinds)) { server in
            let first = try await ExchangeClient.open(server)
            first.subscribe(session, ticket: "tester-1")
            try await server.observed.wait(within: limit) { $0.playback.position > 100 }
            try await server.pause()
            let second = try await ExchangeClient.open(server)
            second.subscribe(session, ticket: "tester-51")
            let observed = try await server.observed.wait(within: limit) { $0.resumptions.count == 2 }
            #expect(observed.playback.position == 50)
            await second.close()
            await first.close()
        }
    }

    @Test("A client that has everything gets nothing, and a ticket from the future is only written down")
    func nothingLeft() async throws {
        let session = Session.seeded(frameCount: 10)
        try await withExchange(session, Playback(absence: .rewinds)) { server in
            let first = try await ExchangeClient.open(server)
            first.subscribe(session, ticket: "tester-1")
            try await first.state.wait(within: limit) { $0.frameCount == 10 }
            let second = try await ExchangeClient.open(server)
            second.subscribe(session, ticket: "tester-99")
            let observed = try await server.observed.wait(within: limit) { $0.resumptions.count == 2 }
            #expect(observed.resumptions[1].wanted == 98 && observed.resumptions[1].reached == 10)
            #expect(second.state.value.frameCount == 0 && observed.playback.playedCount == 10)
            await second.close()
            await first.close()
        }
    }
}
