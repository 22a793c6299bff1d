import Foundation
import TestSupport
import Testing

@Suite struct ExchangeFaultTests {
    private let limit = Duration.seconds(60)

    @Test("Fragments, a text frame and a frame of 2 MB are still the session's frames")
    func alteredFrames() async throws {
        let session = Session.seeded(frameCount: 10)
        let faults: [Int: [ExchangeFault]] = [2: [.fragment(pieces: 3)], 4: [.textFrame], 6: [.pad(bytes: 2_000_000)]]
        try await withExchange(session, Playback(faults: faults)) { server in
            let client = try await ExchangeClient.open(server)
            client.subscribe(session)
            let state = try await client.state.wait(within: limit) { $0.frameCount == 12 }
            let expected = session.frames().map(\.bytes)
            #expect(state.frames[2...4].map(\.opcode) == [2, 0, 0])
            #expect(state.frames[2...4].map(\.isFinal) == [false, false, true])
            #expect(state.frames[2...4].flatMap(\.payload) == expected[2])
            #expect(state.frames[6] == .init(opcode: 1, isFinal: true, payload: expected[4]))
            let padded = state.frames[8]
            #expect(padded.payload.count == 2_000_000)
            #expect(padded.payload.starts(with: expected[6].dropLast()))
            #expect((try? JSONSerialization.jsonObject(with: Data(padded.payload))) != nil)
            #expect(try await server.finished().delivered == session.totals())
            await client.close()
        }
    }

    @Test("Bad frames come beside the session's, at the place that was asked for")
    func additionalFrames() async throws {
        let session = Session.seeded(frameCount: 4)
        let faults: [Int: [ExchangeFault]] = [
            1: [.invalidUTF8, .truncatedJSON], 2: [.status, .error(name: "INVALID_PARAM", message: "no")],
            3: [.frame([0xFF, 0x00])],
        ]
        try await withExchange(session, Playback(faults: faults)) { server in
            let client = try await ExchangeClient.open(server)
            client.subscribe(session)
            let frames = try await client.state.wait(within: limit) { $0.frameCount == 9 }.frames
            let expected = session.frames().map(\.bytes)
            #expect([0, 3, 6, 8].map { frames[$0].payload } == expected)
            #expect(String(validating: frames[1].payload, as: UTF8.self) == nil)
            #expect(frames[2].text.hasPrefix(#"{"type":"ticker""#) && !frames[2].text.hasSuffix("}"))
            #expect(frames[4].text == #"{"status":"UP"}"#)
            #expect(frames[5].text == #"{"error":{"name":"INVALID_PARAM","message":"no"}}"#)
            #expect(frames[7].payload == [0xFF, 0x00])
            await client.close()
        }
    }

    @Test("A stall sends no data; pings are answered when asked so; recovery goes on without a loss")
    func stall() async throws {
        let session = Session.seeded(frameCount: 300)
        try await withExchange(session, Playback(faults: [100: [.stall(answeringPings: true)]])) { server in
            let client = try await ExchangeClient.open(server)
            client.subscribe(session)
            try await client.state.wait(within: limit) { $0.frameCount == 100 }
            client.send("a", opcode: 9)
            let stalled = try await client.state.wait(within: limit) { $0.frames.last?.opcode == 10 }
            #expect(stalled.dataFrames.count == 100)
            try await server.inject(.stall(answeringPings: false))
            client.send("b", opcode: 9)
            try await server.observed.wait(within: limit) { $0.pingCount == 2 }
            try await server.inject(.recover)
            let state = try await client.state.wait(within: limit) { $0.dataFrames.count == 300 }
            #expect(state.frames.count { $0.opcode == 10 } == 1)
            #expect(state.dataFrames.map(\.payload) == session.frames().map(\.bytes))
            await client.close()
        }
    }

    @Test("A reset ends the connection by RST, over TLS and without")
    func reset() async throws {
        let authority = try TestAuthority()
        for certificate in [nil, try authority.server()] {
            try await withExchange(.seeded(frameCount: 1), Playback(), .init(certificate: certificate)) { server in
                let client = try await ExchangeClient.open(server, trusting: certificate == nil ? nil : authority)
                try await server.inject(.reset)
                let state = try await client.state.wait(within: limit) { $0.isClosed }
                #expect(state.error?.contains("reset by peer") == true)
                #expect(state.frames.isEmpty)
            }
        }
    }

    @Test("A close has the code that was asked for; bytes on the wire come as they are")
    func closeAndWireBytes() async throws {
        try await withExchange { server in
            let client = try await ExchangeClient.open(server)
            try await server.inject(.wireBytes([0x82, 0x01, 0x41]), .close(code: 1_012))
            let state = try await client.state.wait(within: limit) { $0.isClosed }
            #expect(state.frames.first == .init(opcode: 2, isFinal: true, payload: [0x41]))
            #expect(state.closeCode == 1_012)
        }
    }

    @Test("The door refuses, is silent, answers a status, and opens again on the same port")
    func door() async throws {
        try await withExchange { server in
            try await server.setDoor(.refusing)
            await #expect(throws: (any Error).self) { try await ExchangeClient.connect(server) }
            try await server.setDoor(.status(503))
            #expect(try await ExchangeClient.open(server).state.value.status == 503)
            for door in [ExchangeDoor.silent, .silentHTTP] {
                try await server.setDoor(door)
                let client = try await ExchangeClient.connect(server)
                client.write("GET /v1/market/all HTTP/1.1\r\nHost: localhost\r\n\r\n")
                await #expect(throws: (any Error).self) {
                    try await client.state.wait(within: .milliseconds(100)) { $0.status != nil || $0.isClosed }
                }
                await client.close()
            }
            try await server.setDoor(.open)
            #expect(try await ExchangeClient.open(server).state.value.status == 101)
        }
    }

    @Test("Both 127.0.0.1 and ::1 answer, where there is IPv6")
    func bothAddresses() async throws {
        try await withExchange { server in
            _ = try await ExchangeClient.connect(server, host: "127.0.0.1")
            guard (try? await ExchangeClient.connect(server, host: "::1")) != nil else { return }
            try await server.observed.wait(within: limit) { $0.acceptedCount == 2 }
        }
    }
}
