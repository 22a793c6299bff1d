import TestSupport
import Testing

@testable import WebSocket

@Suite("The reader of WebSocket frames")
struct FrameReaderTests {
    /// What a reader told, copied.
    private enum Told: Equatable {
        case message([UInt8]), ping([UInt8]), pong, close([UInt8])

        /// Of the payload.
        var count: Int {
            switch self {
            case .message(let bytes), .ping(let bytes), .close(let bytes): bytes.count
            case .pong: 0
            }
        }
    }

    /// Feeds the bytes in pieces of this size.
    private func read(
        _ bytes: [UInt8], piece: Int = .max, limitBytes: Int = 1_000_000
    ) -> (told: [Told], failure: FrameReader.Failure?) {
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            pieces.append(Array(rest.prefix(piece)))
            rest = rest.dropFirst(piece)
        }
        return read(pieces: pieces, limitBytes: limitBytes)
    }

    /// Each piece lies in memory of its own, so that a tool that watches memory sees what is read beyond it.
    private func read(
        pieces: [[UInt8]], limitBytes: Int = 1_000_000
    ) -> (told: [Told], failure: FrameReader.Failure?) {
        var reader = FrameReader(limitBytes: limitBytes)
        var told: [Told] = []
        do throws(FrameReader.Failure) {
            for piece in pieces {
                try piece.withBytes { (bytes) throws(FrameReader.Failure) in
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

    @Test("A goodbye has no bytes, or a code that may be sent")
    func goodbye() {
        for code in [1_000, 1_003, 1_007, 1_014, 3_000, 4_999] {
            let payload = [UInt8(code >> 8), UInt8(code & 0xFF)] + "so long".utf8
            #expect(read(frame(0x88, payload)).told == [.close(payload)])
        }
        #expect(read(frame(0x88, [])).told == [.close([])])
        for payload in [[3], [0, 0], [3, 231], [3, 236], [3, 237], [3, 238], [3, 247], [11, 183], [19, 136]]
            as [[UInt8]]
        {
            #expect(read(frame(0x88, payload)).failure == .violation("a goodbye without a proper code"))
        }
    }

    @Test("A length in more bytes than it needs is what it says")
    func lengths() {
        #expect(read(frame(0x82, [7, 8], length: [126, 0, 2])).told == [.message([7, 8])])
        #expect(read(frame(0x82, [7, 8], length: [127, 0, 0, 0, 0, 0, 0, 0, 2])).told == [.message([7, 8])])
    }

    @Test("Cut in two anywhere, the bytes say the same")
    func cuts() {
        let long = (0..<200).map { UInt8($0) }
        let bytes =
            frame(0x82, [1, 2, 3]) + frame(0x01, long) + frame(0x89, [9, 8]) + frame(0x80, []) + frame(0x8A, [])
            + frame(0x82, long, length: [127, 0, 0, 0, 0, 0, 0, 0, 200]) + frame(0x88, [3, 232, 98])
        let expected: [Told] = [
            .message([1, 2, 3]), .ping([9, 8]), .message(long), .pong, .message(long), .close([3, 232, 98]),
        ]
        for cut in 0...bytes.count {
            let (told, failure) = read(pieces: [Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(failure == nil && told == expected, "cut at \(cut)")
        }
    }

    /// Mostly what servers send, so that the bytes get far: messages, fragments, control frames; then some
    /// bytes of it are others.
    private func traffic(_ generator: inout SplitMix64) -> [UInt8] {
        var isFragment = false
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...12, using: &generator) {
            let messages: [UInt8] = isFragment ? [0x00, 0x80] : [0x81, 0x82, 0x01, 0x02]
            let first = (messages + [0x89, 0x8A]).randomElement(using: &generator) ?? 0x89
            if first < 0x88 { isFragment = first < 0x80 }
            let size = Int.random(in: 0...(first >= 0x88 ? 125 : 200), using: &generator)
            bytes += frame(first, (0..<size).map { _ in .random(in: .min ... .max, using: &generator) })
        }
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: .min ... .max, using: &generator)
        }
        return bytes
    }

    @Test("Whatever bytes come, and however they are cut, they say the same", arguments: 0..<50)
    func random(_ seed: UInt64) {
        print("seed \(seed)")
        var generator = SplitMix64(seed: seed)
        for _ in 0..<200 {
            let bytes = traffic(&generator)
            let whole = read(bytes, limitBytes: 500)
            let cut = read(bytes, piece: Int.random(in: 1...40, using: &generator), limitBytes: 500)
            #expect(whole.told == cut.told && whole.failure == cut.failure)
            let received = whole.told.reduce(0) { $0 + $1.count }
            #expect(received <= bytes.count)
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
