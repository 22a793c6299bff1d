import Glibc

/// The identity of one start of the machine: what is in memory alone is gone with the next one.
struct BootIdentity: Equatable {
    let high: UInt64
    let low: UInt64

    /// nil where the kernel does not tell, as with systemd's `ProcSubset=pid`. Then nobody knows whether the
    /// machine was started since.
    static func current() -> BootIdentity? {
        let descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var text = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &text, text.count)
        return BootIdentity(String(decoding: text.prefix(max(0, count)), as: UTF8.self))
    }

    init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    /// - Parameter text: 32 hexadecimal digits, with hyphens anywhere and a line's end.
    init?(_ text: String) {
        let digits = text.filter { $0 != "-" && !$0.isWhitespace }
        guard digits.count == 32, let high = UInt64(digits.prefix(16), radix: 16),
            let low = UInt64(digits.suffix(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }
}
