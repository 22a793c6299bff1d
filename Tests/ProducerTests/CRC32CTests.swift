import TestSupport
import Testing

@testable import Producer

@Suite("CRC-32C")
struct CRC32CTests {
    @Test(
        "The vectors of RFC 3720 have the checksums that it gives",
        arguments: [
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA), ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
            (Array(0...31), 0x46DD_794E), (Array((0...31).reversed()), 0x113F_DB5C),
            (Array("123456789".utf8), 0xE306_9283),
            ([], 0),
        ] as [([UInt8], UInt32)])
    func vectors(_ bytes: [UInt8], _ checksum: UInt32) {
        #expect(bytes.withUnsafeBytes(CRC32C.checksum) == checksum)
        #expect(bytes.withUnsafeBytes(CRC32C.checksumByTables) == checksum)
    }

    @Test("Eight bytes a step give what one bit a step gives, for every length and alignment")
    func steps() {
        var generator = SplitMix64(seed: 1)
        let bytes = (0..<200).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        for start in 0..<8 {
            for end in start..<bytes.count {
                let slice = bytes[start..<end]
                let slow = ~slice.reduce(UInt32.max) { crc, byte in
                    (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
                }
                #expect(slice.withUnsafeBytes(CRC32C.checksum) == slow)
                #expect(slice.withUnsafeBytes(CRC32C.checksumByTables) == slow)
            }
        }
    }
}
