import TestSupport
import Testing

@testable import Market

@Suite("The end of a run of bytes is found sixteen at a time")
struct ByteRunsTests {
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x20...0x7F).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    @Test("Every byte value ends a run of digits or of text, or does not, at every place")
    func everyByte() {
        for byte in UInt8.min...UInt8.max {
            for place in 0..<33 {
                var digits = [UInt8](repeating: UInt8(ascii: "7"), count: 33)
                digits[place] = byte
                #expect(endOfDigits(digits, from: 0) == (Self.isDigit(byte) ? 33 : place))
                var text = [UInt8](repeating: UInt8(ascii: "x"), count: 33)
                text[place] = byte
                #expect(endOfPlainText(text, from: 0) == (Self.isPlain(byte) ? 33 : place))
            }
        }
    }

    @Test("Among random bytes, wherever a run begins, it ends where one byte after the other says so")
    func randomBytes() {
        var generator = SplitMix64(seed: 20_261_121)
        // Bytes at the edges of what ends a run come often, where a comparison is one off.
        let edges = Array("09/:\"!#\\[] ~".utf8) + [0x00, 0x01, 0x1F, 0x7F, 0x80, 0xFF]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...70, using: &generator)).map { _ in
                Bool.random(using: &generator)
                    ? edges.randomElement(using: &generator)! : UInt8(ascii: "5")
            }
            let start = Int.random(in: 0...bytes.count, using: &generator)
            let digits = bytes[start...].firstIndex { !Self.isDigit($0) } ?? bytes.count
            let text = bytes[start...].firstIndex { !Self.isPlain($0) } ?? bytes.count
            #expect(endOfDigits(bytes, from: start) == digits, "\(bytes) from \(start)")
            #expect(endOfPlainText(bytes, from: start) == text, "\(bytes) from \(start)")
        }
    }

    private func endOfDigits(_ bytes: [UInt8], from start: Int) -> Int {
        bytes.withUnsafeBytes { $0.endOfDigits(from: start) }
    }

    private func endOfPlainText(_ bytes: [UInt8], from start: Int) -> Int {
        bytes.withUnsafeBytes { $0.endOfPlainText(from: start) }
    }
}
