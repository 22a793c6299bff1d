import Glibc

/// Shows how far a range of hours has come: a bar on a terminal, nothing elsewhere, where the line of
/// each finished hour tells the same.
struct Progress {
    private let total: Int
    private let isTerminal: Bool
    private var done = 0

    init(total: Int, isTerminal: Bool = isatty(STDERR_FILENO) == 1) {
        self.total = total
        self.isTerminal = isTerminal
    }

    /// Prints the line of an hour on standard output, and moves the bar.
    mutating func finished(_ line: String) {
        done += 1
        clear()
        print(total > 1 ? "\(line)  (\(done) of \(total))" : line)
        // Line by line also into a pipe, so that whoever reads it sees progress.
        fflush(nil)
        if total > 1, done < total { draw() }
    }

    func draw() {
        guard isTerminal, total > 1 else { return }
        write(toStandardError: "\r\(Self.bar(done: done, total: total))")
    }

    func clear() {
        if isTerminal, total > 1 { write(toStandardError: "\r\u{1B}[K") }
    }

    static func bar(done: Int, total: Int, width: Int = 40) -> String {
        let filled = total == 0 ? width : width * done / total
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        return "[\(bar)] \(done)/\(total) hours"
    }

    private func write(toStandardError text: String) {
        var text = text
        text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
