/// Takes WebSocket frames out of the bytes that a server sends, and puts fragmented messages together.
///
/// ```
///  0  FIN (1 bit), three reserved bits, opcode (4 bits)
///  1  mask (1 bit, never set by a server), length (7 bits)
///  2  the length in 2 bytes when those 7 bits say 126, in 8 bytes when they say 127; network order
///     the payload
/// ```
///
/// Source: RFC 6455, section 5.2. A frame that lies within the bytes at hand is not copied:
/// libwebsockets 4 takes payloads apart byte by byte, which costs more than everything else that is done
/// to a frame. What can be understood without a doubt is taken: a length in more bytes than it needs, and text
/// that is no UTF-8, of which the reader of the message makes what it can.
struct FrameReader {
    /// The bytes are valid only within the call.
    enum Event {
        /// A whole message, text or binary.
        case message(UnsafeRawBufferPointer)
        case ping(UnsafeRawBufferPointer)
        case pong
        /// Nothing, or a code of two bytes and a reason.
        case close(UnsafeRawBufferPointer)
    }

    enum Failure: Error, Equatable {
        /// A message is beyond the limit; none of it was kept.
        case tooLarge
        /// The server broke the protocol.
        case violation(String)
    }

    /// Of a message.
    let limitBytes: Int
    /// The beginning of a frame that is not wholly here yet, with its header.
    private var partial: [UInt8] = []
    /// The message whose fragments are coming.
    private var fragments: [UInt8]?

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    /// Hands everything that is complete with `bytes` to `handle`, in its order. After a failure it is not to
    /// be used any more.
    mutating func read(_ bytes: UnsafeRawBufferPointer, _ handle: (Event) -> Void) throws(Failure) {
        var rest = bytes
        if !partial.isEmpty { try complete(with: &rest, handle) }
        while let header = try FrameHeader(rest) {
            try check(header)
            guard header.size <= rest.count else { break }
            try take(header, UnsafeRawBufferPointer(rebasing: rest[header.bytes..<header.size]), handle)
            rest = UnsafeRawBufferPointer(rebasing: rest[header.size...])
        }
        partial.append(contentsOf: rest)
    }

    /// Moves from `rest` what the partial frame lacks, and takes it once it is whole.
    private mutating func complete(with rest: inout UnsafeRawBufferPointer, _ handle: (Event) -> Void) throws(Failure) {
        var known = try partial.withBytes(FrameHeader.init)
        while known == nil, let byte = rest.first {
            partial.append(byte)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
            known = try partial.withBytes(FrameHeader.init)
        }
        guard let header = known else { return }
        try check(header)
        let missing = min(header.size - partial.count, rest.count)
        partial.append(contentsOf: rest.prefix(missing))
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(missing))
        guard partial.count == header.size else { return }
        // Taken out, and put back empty, so that its memory is kept and nothing is copied.
        var frame: [UInt8] = []
        swap(&frame, &partial)
        try frame.withBytes { (frame) throws(Failure) in
            try take(header, UnsafeRawBufferPointer(rebasing: frame[header.bytes...]), handle)
        }
        frame.removeAll(keepingCapacity: true)
        swap(&frame, &partial)
    }

    private func check(_ header: FrameHeader) throws(Failure) {
        if header.opcode.isControl { return }
        guard header.payloadBytes <= limitBytes - (fragments?.count ?? 0) else { throw .tooLarge }
    }

    private mutating func take(
        _ header: FrameHeader, _ payload: UnsafeRawBufferPointer, _ handle: (Event) -> Void
    ) throws(Failure) {
        switch header.opcode {
        case .ping: handle(.ping(payload))
        case .pong: handle(.pong)
        case .close:
            guard payload.isEmpty || isGoodbye(payload) else { throw .violation("a goodbye without a proper code") }
            handle(.close(payload))
        case .text, .binary:
            guard fragments == nil else { throw .violation("a message within another one") }
            if header.isFinal { return handle(.message(payload)) }
            fragments = Array(payload)
        case .continuation:
            guard var message = fragments else { throw .violation("a fragment of no message") }
            fragments = nil  // so that appending copies nothing
            message.append(contentsOf: payload)
            if header.isFinal { return message.withUnsafeBytes { handle(.message($0)) } }
            fragments = message
        }
    }

    /// Whether it begins with a code that may be sent (RFC 6455, section 7.4, and its registry).
    private func isGoodbye(_ payload: UnsafeRawBufferPointer) -> Bool {
        guard payload.count >= 2 else { return false }
        switch UInt16(payload[0]) << 8 | UInt16(payload[1]) {
        case 1_000...1_003, 1_007...1_014, 3_000...4_999: return true
        default: return false
        }
    }
}

/// What comes before a frame's payload.
struct FrameHeader {
    enum Opcode: UInt8 {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        var isControl: Bool { rawValue >= 8 }
    }

    let isFinal: Bool
    let opcode: Opcode
    /// Of the header itself.
    let bytes: Int
    let payloadBytes: Int
    var size: Int { bytes + payloadBytes }

    /// nil when there are too few bytes to know.
    init?(_ frame: UnsafeRawBufferPointer) throws(FrameReader.Failure) {
        guard frame.count >= 2 else { return nil }
        isFinal = frame[0] & 0x80 != 0
        guard frame[0] & 0x70 == 0, let opcode = Opcode(rawValue: frame[0] & 0x0F) else {
            throw .violation("a frame of an unknown kind")
        }
        self.opcode = opcode
        guard frame[1] & 0x80 == 0 else { throw .violation("a frame with a mask") }
        let length = frame[1] & 0x7F
        guard !opcode.isControl || (isFinal && length < 126) else { throw .violation("a control frame in parts") }
        bytes = length < 126 ? 2 : length == 126 ? 4 : 10
        guard frame.count >= bytes else { return nil }
        let number = frame[2..<bytes].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        // Larger ones are beyond any limit.
        payloadBytes = length < 126 ? Int(length) : Int(min(number, 1 << 40))
    }
}

extension [UInt8] {
    fileprivate func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let outcome = withUnsafeBytes { bytes in
            Swift.Result { () throws(Failure) in try body(bytes) }
        }
        return try outcome.get()
    }
}
