import Glibc

/// Tells on standard error how far a long piece of work is: on one line that changes, on a terminal;
/// a line now and then, elsewhere.
package struct ProgressLine {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private var lastLine = ContinuousClock.now - .seconds(60)
    private var isOpen = false

    package init() {}

    /// A step that begins.
    package mutating func step(_ text: String) {
        write((isOpen ? "\n" : "") + "\(stamp) \(text)\n")
        isOpen = false
        lastLine = .now
    }

    /// How far the step is.
    package mutating func update(_ text: String) {
        if isTerminal {
            write("\r\(stamp)   \(text)\u{1B}[K")
            isOpen = true
        } else if ContinuousClock.now - lastLine >= .seconds(2) {
            write("\(stamp)   \(text)\n")
            lastLine = .now
        }
    }

    private var stamp: String {
        let seconds = "\((ContinuousClock.now - start).components.seconds)"
        return "[" + String(repeating: " ", count: max(0, 3 - seconds.count)) + seconds + " s]"
    }

    private func write(_ text: String) {
        var text = text
        text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
