import Foundation
import Glibc

/// What the kernel says of a program (proc(5), `/proc/PID/status`).
extension ChildProcess {
    /// Whether the program has said what is to be done with `signal`, which else is done by default when it comes, or
    /// when it is no longer held back. False when the program has ended.
    package func handles(_ signal: Int32) -> Bool {
        ["SigIgn", "SigCgt"].contains { name in
            guard let mask = status(name).flatMap({ UInt64($0, radix: 16) }) else { return false }
            return mask & (1 << UInt64(signal - 1)) != 0
        }
    }

    /// Returns whether the program stands still, which it does soon after SIGSTOP.
    package func isStopped(within limit: Duration) async -> Bool {
        let end = ContinuousClock.now + limit
        while isRunning {
            if status("State")?.first == "T" { return true }
            guard ContinuousClock.now < end, (try? await Task.sleep(for: .milliseconds(2))) != nil else { break }
        }
        return false
    }

    private func status(_ name: String) -> Substring? {
        guard let text = try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(name):") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first
    }
}
