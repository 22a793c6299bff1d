import Foundation
import TestSupport
import Testing

/// What the real exchange does, and so the one of the tests.
@Suite struct ExchangeRulesTests {
    private let limit = Duration.seconds(60)

    @Test("The market list has every market of the session, with its Korean name in UTF-8")
    func marketList() async throws {
        var seeded = SeededSettings(frameCount: 1)
        (seeded.bitcoinMarketCount, seeded.tetherMarketCount) = (3, 2)
        let session = Session.seeded(seeded)
        try await withExchange(session) { server in
            let (status, body) = try await ExchangeClient.get("/v1/market/all", server)
            let list = try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [[String: String]])
            #expect(status == 200)
            #expect(list.map { $0["market"] } == session.markets.map(\.code))
            #expect(list.first?["korean_name"] == "비트코인")
            #expect(list.first?["english_name"] == "Bitcoin")
            #expect(list.contains { $0["market"] == "BTC-ETH" } && list.contains { $0["market"] == "USDT-BTC" })
            #expect(try await ExchangeClient.get("/v1/else", server).status == 404)
        }
    }

    @Test("The market list goes wrong as often as asked, then comes again")
    func restFaults() async throws {
        try await withExchange { server in
            try await server.failRest(.status(429), .status(500), .garbage)
            #expect(try await ExchangeClient.get("/v1/market/all", server).status == 429)
            let failure = try await ExchangeClient.get("/v1/market/all", server)
            #expect(failure.status == 500)
            #expect(failure.body == #"{"error":{"name":500,"message":"Internal Server Error"}}"#)
            #expect(try await ExchangeClient.get("/v1/market/all", server).body.hasPrefix("<html>"))
            #expect(try await ExchangeClient.get("/v1/market/all", server).body.hasPrefix("[{"))
        }
    }

    @Test("A request with an Origin header is answered 429 and noted")
    func origin() async throws {
        try await withExchange { server in
            let client = try await ExchangeClient.open(server, headers: "Origin: https://upbit.com\r\n")
            #expect(client.state.value.status == 429)
            #expect(server.observed.value.refusals == [429])
            #expect(server.observed.value.connections.isEmpty)
            await client.close()
        }
    }

    @Test("A connection beyond the limit of a second is answered 429")
    func connectLimit() async throws {
        var settings = ExchangeSettings()
        settings.connectionsPerSecond = 2
        try await withExchange(.seeded(frameCount: 1), Playback(), settings) { server in
            var statuses: [Int?] = []
            for _ in 0..<3 { statuses.append(try await ExchangeClient.open(server).state.value.status) }
            #expect(statuses == [101, 101, 429])
        }
    }

    @Test(
        "A bad message is answered by the exchange's error in a binary frame, then a close with 1000",
        arguments: [
            ("no json", "WRONG_FORMAT"),
            (#"{"ticket":"t"}"#, "WRONG_FORMAT"),
            (#"[{"type":"ticker","codes":["KRW-BTC"]}]"#, "NO_TICKET"),
            (#"[{"ticket":"t"}]"#, "NO_TYPE"),
            (#"[{"ticket":"t"},{"type":"ticker"}]"#, "NO_CODES"),
            (#"[{"ticket":"t"},{"type":"ticker","codes":[]}]"#, "NO_CODES"),
            (#"[{"ticket":"t"},{"type":"tick","codes":["KRW-BTC"]}]"#, "INVALID_PARAM"),
            (#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"]},{"format":"XML"}]"#, "INVALID_PARAM"),
        ])
    func errors(message: String, name: String) async throws {
        try await withExchange { server in
            let client = try await ExchangeClient.open(server)
            client.send(message)
            let state = try await client.state.wait(within: limit) { $0.isClosed }
            let frame = try #require(state.frames.first)
            #expect(frame.opcode == 2)
            #expect(frame.text.hasPrefix(#"{"error":{"name":"\#(name)","message":""#))
            #expect(state.closeCode == 1_000)
            #expect(server.observed.value.errors == [name])
        }
    }

    @Test("The error comes before its close by the delay of the real one")
    func closeDelay() async throws {
        try await withExchange { server in
            let client = try await ExchangeClient.open(server)
            // When the error came is known here only some time later.
            let start = ContinuousClock.now
            client.send("x")
            try await client.state.wait(within: limit) { !$0.frames.isEmpty }
            try await client.state.wait(within: limit) { $0.isClosed }
            #expect(ContinuousClock.now - start > .milliseconds(100))
        }
    }

    @Test("The sixth message within a second is one too many")
    func messageLimit() async throws {
        try await withExchange { server in
            let client = try await ExchangeClient.open(server)
            for _ in 0..<6 { client.send(#"[{"ticket":"t"},{"method":"LIST_SUBSCRIPTIONS"}]"#) }
            let state = try await client.state.wait(within: limit) { $0.isClosed }
            #expect(
                state.dataFrames.map { $0.text.hasPrefix(#"{"error""#) } == [false, false, false, false, false, true])
            #expect(server.observed.value.errors == ["Too Many Requests"])
        }
    }

    @Test("A message beyond the limit of a minute is one too many, too")
    func minuteLimit() async throws {
        var settings = ExchangeSettings()
        (settings.messagesPerSecond, settings.messagesPerMinute) = (100, 7)
        try await withExchange(.seeded(frameCount: 1), Playback(), settings) { server in
            let client = try await ExchangeClient.open(server)
            for _ in 0..<8 { client.send(#"[{"ticket":"t"},{"method":"LIST_SUBSCRIPTIONS"}]"#) }
            let state = try await client.state.wait(within: limit) { $0.isClosed }
            #expect(state.dataFrames.count == 8)
            #expect(server.observed.value.errors == ["Too Many Requests"])
        }
    }

    @Test("A subscribe is not acknowledged, a second one replaces the first, unknown codes are passed over")
    func replacement() async throws {
        try await withExchange(.seeded(frameCount: 400), Playback(start: .manual)) { server in
            let client = try await ExchangeClient.open(server)
            client.subscribe(["KRW-BTC", "KRW-ETH"])
            client.subscribe(["KRW-XRP", "krw-btc", "KRW-NONE"])
            client.send(#"[{"ticket":"list"},{"method":"LIST_SUBSCRIPTIONS"}]"#)
            let listed = try await client.state.wait(within: limit) { !$0.frames.isEmpty }
            #expect(
                listed.frames.map(\.text) == [
                    #"{"method":"LIST_SUBSCRIPTIONS","result":[{"type":"ticker","codes":["KRW-XRP"]}],"ticket":"list"}"#
                ])
            try await server.resume()
            let progress = try await server.finished()
            let state = try await client.state.wait(within: limit) {
                $0.frameCount == progress.delivered.frameCount + 1
            }
            #expect(Set(state.frames.dropFirst().map { $0.text.field("code") }) == ["KRW-XRP"])
            #expect(progress.delivered.frameCount + progress.unwantedCount == 400)
            let seen = server.observed.value.subscriptions
            #expect(seen.map(\.codes) == [["KRW-BTC", "KRW-ETH"], ["KRW-XRP", "krw-btc", "KRW-NONE"]])
            #expect(seen.allSatisfy { $0.isOnlyRealtime && $0.ticket == "t" })
        }
    }

    @Test("Without is_only_realtime a snapshot of each market comes first; with is_only_snapshot nothing else")
    func snapshots() async throws {
        try await withExchange(.seeded(frameCount: 20)) { server in
            let client = try await ExchangeClient.open(server)
            client.subscribe(["KRW-BTC", "KRW-ETH"], #","is_only_snapshot":true"#)
            client.send("PING!", opcode: 9)
            let only = try await client.state.wait(within: limit) { $0.frames.last?.opcode == 10 }
            #expect(only.dataFrames.map { $0.text.field("stream_type") } == ["SNAPSHOT", "SNAPSHOT"])
            #expect(only.dataFrames.map { $0.text.field("code") } == ["KRW-BTC", "KRW-ETH"])
            client.subscribe(["KRW-BTC"], "")
            let progress = try await server.finished()
            let count = 2 + 1 + progress.delivered.frameCount
            let both = try await client.state.wait(within: limit) { $0.dataFrames.count == count }
            let types = both.dataFrames.dropFirst(2).map { $0.text.field("stream_type") }
            #expect(types.first == "SNAPSHOT" && types.dropFirst().allSatisfy { $0 == "REALTIME" })
        }
    }

    @Test("The other formats have short names, arrays, or both")
    func formats() async throws {
        for (format, start) in [
            ("SIMPLE", #"{"ty":"ticker","cd":"KRW-BTC","op":"#), ("SIMPLE_LIST", "[{"), ("JSON_LIST", "[{"),
        ] {
            try await withExchange { server in
                let client = try await ExchangeClient.open(server)
                client.subscribe(["KRW-BTC"], "", format: format)
                let state = try await client.state.wait(within: limit) { !$0.frames.isEmpty }
                let frame = try #require(state.frames.first)
                #expect(frame.text.hasPrefix(start))
                #expect((try? JSONSerialization.jsonObject(with: Data(frame.payload))) != nil)
            }
        }
    }

    @Test("A ping is answered by a pong with its bytes; a text PING starts UP at an interval")
    func pings() async throws {
        var settings = ExchangeSettings()
        settings.statusInterval = .milliseconds(30)
        try await withExchange(.seeded(frameCount: 1), Playback(), settings) { server in
            let client = try await ExchangeClient.open(server)
            client.send("abc", opcode: 9)
            let pong = try await client.state.wait(within: limit) { !$0.frames.isEmpty }
            #expect(pong.frames == [.init(opcode: 10, isFinal: true, payload: Array("abc".utf8))])
            client.send("PING")
            let state = try await client.state.wait(within: limit) { $0.dataFrames.count >= 2 }
            #expect(state.dataFrames.allSatisfy { $0.text == #"{"status":"UP"}"# && $0.opcode == 2 })
            let seen = try #require(server.observed.value.connections.first)
            #expect(seen.pingCount == 1 && seen.textPingCount == 1)
        }
    }

    @Test("A connection on which nothing happens ends without a close frame, and the server never pings")
    func idle() async throws {
        var settings = ExchangeSettings()
        settings.idleLimit = .seconds(1)
        try await withExchange(.seeded(frameCount: 1), Playback(), settings) { server in
            let client = try await ExchangeClient.open(server)
            let state = try await client.state.wait(within: limit) { $0.isClosed }
            #expect(state.frames.isEmpty)
        }
    }

    @Test("A frame without a mask ends the connection with 1002")
    func unmasked() async throws {
        try await withExchange { server in
            let client = try await ExchangeClient.open(server)
            client.send("PING", isMasked: false)
            let state = try await client.state.wait(within: limit) { $0.isClosed }
            #expect(state.closeCode == 1_002)
        }
    }

    @Test("A subscribe in fragments is one message, and a client's close is answered with its code")
    func fragmentsAndClose() async throws {
        try await withExchange { server in
            let client = try await ExchangeClient.open(server)
            client.send(#"[{"ticket":"t"},{"type":"tick"#, opcode: 1, isFinal: false)
            client.send(#"er","codes":["KRW-BTC"]}]"#, opcode: 0)
            try await server.observed.wait(within: limit) { $0.subscriptions.count == 1 }
            // Two bytes, big-endian: 0x0F68 is 3944, a code that applications may use.
            client.send("\u{0F}\u{68}", opcode: 8)
            let state = try await client.state.wait(within: limit) { $0.isClosed }
            #expect(state.closeCode == 3_944)
            let seen = try await server.observed.wait(within: limit) { $0.openCount == 0 }
            #expect(seen.connections.first?.closeCode == 3_944)
        }
    }
}
