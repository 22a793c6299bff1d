/// Makes the frames that a client sends.
enum FrameWriter {
    /// A frame that is a whole message, or a control frame of up to 125 bytes.
    ///
    /// - Parameter mask: a client's payload is XORed with it (RFC 6455, section 5.3): what a page makes a
    ///   browser send must not look like something else on its way. Any four bytes will do.
    static func frame(_ opcode: FrameHeader.Opcode, _ payload: some Collection<UInt8>, mask: UInt32 = .random())
        -> [UInt8]
    {
        var frame: [UInt8] = [0x80 | opcode.rawValue]
        switch payload.count {
        case ..<126: frame.append(0x80 | UInt8(payload.count))
        case ..<65_536: frame += [0x80 | 126] + bigEndian(UInt64(payload.count), 2)
        default: frame += [0x80 | 127] + bigEndian(UInt64(payload.count), 8)
        }
        let mask = bigEndian(UInt64(mask), 4)
        frame += mask
        frame += payload.enumerated().map { $0.element ^ mask[$0.offset & 3] }
        return frame
    }

    private static func bigEndian(_ number: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * (count - 1 - $0))) }
    }
}

extension UInt32 {
    fileprivate static func random() -> UInt32 { .random(in: .min ... .max) }
}
