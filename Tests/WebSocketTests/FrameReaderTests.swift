import TestSupport
import Testing

@testable import WebSocket

@Suite("The reader of WebSocket frames")
struct FrameReaderTests {
    /// What a reader told, copied.
    private enum Told: Equatable {
        case message([UInt8]), ping([UInt8]), pong, close([UInt8])
    }

    /// Feeds the bytes in pieces of this size.
    private func read(
        _ bytes: [UInt8], piece: Int = .max, limitBytes: Int = 1_000_000
    ) -> (told: [Told], failure: FrameReader.Failure?) {
        var reader = FrameReader(limitBytes: limitBytes)
        var told: [Told] = []
        do throws(FrameReader.Failure) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let next = Array(rest.prefix(piece))
                rest = rest.dropFirst(piece)
                try next.withBytes { (bytes) throws(FrameReader.Failure) in
                    try reader.read(bytes) { event in
                        switch event {
                        case .message(let bytes): told.append(.message(Array(bytes)))
                        case .ping(let bytes): told.append(.ping(Array(bytes)))
                        case .pong: told.append(.pong)
                        case .close(let bytes): told.append(.close(Array(bytes)))
                        }
                    }
                }
            }
            return (told, nil)
        } catch {
            return (told, error)
        }
    }

    /// A frame as a server sends it; `length` may say something else than the payload has.
    private func frame(_ first: UInt8, _ payload: [UInt8], length: [UInt8]? = nil) -> [UInt8] {
        let count = payload.count
        let short = count < 126 ? [UInt8(count)] : [126, UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)]
        let long = [127, 0, 0, 0, 0] + [24, 16, 8, 0].map { UInt8(count >> $0 & 0xFF) }
        return [first] + (length ?? (count < 65_536 ? short : long)) + payload
    }

    @Test(
        "Messages of every size come whole, wherever the bytes are cut", arguments: [1, 2, 3, 7, 125, 4_096, .max])
    func sizes(_ piece: Int) {
        let sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000, 3, 0]
        let messages = sizes.map { size in (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ size) } }
        let bytes = messages.enumerated().flatMap { frame($0.offset % 2 == 0 ? 0x81 : 0x82, $0.element) }
        let (told, failure) = read(bytes, piece: piece)
        #expect(failure == nil && told == messages.map { .message($0) })
    }

    @Test("Fragments are put together, with pings between them", arguments: [1, .max])
    func fragments(_ piece: Int) {
        let bytes =
            frame(0x01, [1, 2]) + frame(0x89, [9]) + frame(0x00, [3]) + frame(0x8A, []) + frame(0x80, [4, 5])
            + frame(0x82, [6]) + frame(0x88, [3, 232])
        let (told, failure) = read(bytes, piece: piece)
        #expect(failure == nil)
        #expect(told == [.ping([9]), .pong, .message([1, 2, 3, 4, 5]), .message([6]), .close([3, 232])])
    }

    @Test("A message beyond the limit fails before any of it is kept, whole or in fragments")
    func limit() {
        #expect(read(frame(0x82, [1, 2, 3]), limitBytes: 3).failure == nil)
        #expect(read(Array(frame(0x82, [1, 2, 3, 4]).prefix(2)), limitBytes: 3).failure == .tooLarge)
        #expect(read(frame(0x02, [1, 2]) + frame(0x80, [3, 4]).prefix(2), limitBytes: 3).failure == .tooLarge)
        #expect(read(frame(0x82, [], length: [127] + [UInt8](repeating: 0xFF, count: 8))).failure == .tooLarge)
    }

    @Test(
        "What no server may send is a violation",
        arguments: [
            [0xC2, 0], [0x83, 0], [0x8B, 0], [0x82, 0x80], [0x09, 0], [0x89, 126, 0, 126], [0x80, 0],
            [0x01, 0, 0x81, 0],
        ] as [[UInt8]])
    func violations(_ bytes: [UInt8]) {
        guard case .violation = read(bytes).failure else { return #expect(Bool(false), "\(bytes)") }
    }

    @Test("Whatever bytes come, nothing is read beyond them", arguments: 0..<50)
    func random(_ seed: UInt64) {
        print("seed \(seed)")
        var generator = SplitMix64(seed: seed)
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 0..<300, using: &generator)).map { _ in
                UInt8.random(in: .min ... .max, using: &generator)
            }
            let whole = read(bytes, limitBytes: 500)
            let cut = read(bytes, piece: Int.random(in: 1...20, using: &generator), limitBytes: 500)
            #expect(whole.told == cut.told && (whole.failure == nil) == (cut.failure == nil))
        }
    }

    @Test("A client's frame is masked, and gives its payload back")
    func written() {
        for size in [0, 5, 125, 126, 65_535, 65_536] {
            let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
            let frame = FrameWriter.frame(.text, payload, mask: 0x0102_0304)
            let header = size < 126 ? 2 : size < 65_536 ? 4 : 10
            #expect(frame[0] == 0x81 && frame[1] & 0x80 != 0 && frame.count == header + 4 + size)
            #expect(Array(frame[header..<header + 4]) == [1, 2, 3, 4])
            let unmasked = frame[(header + 4)...].enumerated().map { $0.element ^ UInt8($0.offset % 4 + 1) }
            #expect(unmasked == payload)
            // Without the mask it is what a server would send.
            let asServer = [frame[0], frame[1] & 0x7F] + frame[2..<header] + payload
            #expect(read(asServer).told == [.message(payload)])
        }
    }
}

@Suite("The upgrade to a WebSocket")
struct UpgradeTests {
    @Test("The answer to a key is the RFC's, of its example")
    func acceptance() {
        let upgrade = Upgrade(key: Array("the sample nonce".utf8))
        #expect(upgrade.headers.contains("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"))
        #expect(upgrade.acceptance == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(Upgrade().headers != Upgrade().headers)
    }
}

@Suite("The watch over a silent peer")
struct IdleWatchTests {
    @Test("It is asked after the silence that is given, and dead when it leaves that unanswered")
    func silence() {
        let start = ContinuousClock.now
        var watch = IdleWatch(pingSeconds: 10, at: start)
        #expect(watch.verdict(at: start + .seconds(4)) == .look(.seconds(6)))
        #expect(watch.verdict(at: start + .seconds(10)) == .ping(.seconds(5)))
        #expect(watch.verdict(at: start + .seconds(12)) == .look(.seconds(3)))
        #expect(watch.verdict(at: start + .seconds(15)) == .dead)
    }

    @Test("Whatever is heard begins the silence anew")
    func heard() {
        let start = ContinuousClock.now
        var watch = IdleWatch(pingSeconds: 1, at: start)
        #expect(watch.verdict(at: start + .seconds(1)) == .ping(.seconds(2)))
        watch.heard(at: start + .seconds(2))
        #expect(watch.verdict(at: start + .seconds(2)) == .look(.seconds(1)))
        #expect(watch.verdict(at: start + .seconds(3)) == .ping(.seconds(2)))
        #expect(watch.verdict(at: start + .seconds(5)) == .dead)
    }
}

extension [UInt8] {
    fileprivate func withBytes<Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let outcome = withUnsafeBytes { bytes in
            Result { () throws(Failure) in try body(bytes) }
        }
        try outcome.get()
    }
}
