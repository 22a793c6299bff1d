import Foundation
import Testing

@testable import Producer

@Suite("The start of the machine")
struct BootIdentityTests {
    @Test("It is what the kernel says")
    func current() throws {
        let text = try String(contentsOf: URL(filePath: "/proc/sys/kernel/random/boot_id"), encoding: .utf8)
        let boot = try #require(BootIdentity.current())
        #expect(boot == BootIdentity(text))
        let digits = [boot.high, boot.low].map { String($0, radix: 16) }
            .map { String(repeating: "0", count: 16 - $0.count) + $0 }.joined()
        #expect(digits == text.filter { $0.isHexDigit })
    }

    @Test(
        "Anything else says nothing",
        arguments: ["", "\n", "0123", "0123456789abcdef0123456789abcdef0", "g123456789abcdef0123456789abcdef"])
    func malformed(_ text: String) { #expect(BootIdentity(text) == nil) }

    @Test("Both halves count")
    func parsed() {
        #expect(
            BootIdentity("01234567-89ab-cdef-0000-00000000000f\n")
                == BootIdentity(high: 0x0123_4567_89AB_CDEF, low: 15))
    }
}
