import Foundation
import Glibc
import Synchronization

/// A program that runs beside us, with its output as events. It never outlives us: see ``Leash``.
package final class ChildProcess: Sendable {
    package enum Exit: Equatable, Sendable {
        case code(Int32)
        case signal(Int32)
    }

    package let processID: Int32
    /// The lines of standard output; empty when it goes to a file.
    package let output: EventLog<String>
    /// The lines of standard error. Closed when the program and all that it started have ended.
    package let errors: EventLog<String>

    private let name: String
    private let exit = EventLog<Exit>()
    // Held so that its termination handler lives as long as we do.
    private let process = Process()
    private let input: Pipe?

    /// Starts `executable`, an absolute path.
    ///
    /// - Parameters:
    ///   - environment: all that the program sees; nil is our own.
    ///   - folder: its working folder; nil is ours.
    ///   - takesInput: whether ``write(_:)`` reaches its standard input, which is empty otherwise.
    ///   - outputFile: where standard output goes; nil is ``output``.
    ///   - ending: what the program is sent when we die before it does.
    ///   - removedFolder: a folder that is removed after that.
    ///   - keptLines: older lines of output are forgotten.
    package init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String]? = nil,
        folder: String? = nil, takesInput: Bool = false, outputFile: String? = nil, ending: Leash.Ending = .kill,
        removing removedFolder: String? = nil, keptLines: Int = 100_000
    ) throws {
        name = URL(filePath: executable).lastPathComponent
        output = EventLog(capacity: keptLines)
        errors = EventLog(capacity: keptLines)
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        if let environment { process.environment = environment }
        if let folder { process.currentDirectoryURL = URL(filePath: folder) }
        input = takesInput ? Pipe() : nil
        process.standardInput = input ?? FileHandle.nullDevice
        let file = try outputFile.map { try emptyFile($0) }
        let outputPipe = file == nil ? Pipe() : nil
        let errorPipe = Pipe()
        process.standardOutput = file ?? outputPipe
        process.standardError = errorPipe

        // Foundation keeps a `Process` that has run, and its pipes with it, so each of our ends is closed here or
        // where it was last used.
        defer { try? file?.close() }
        let leash = Leash(ending: ending, removing: removedFolder)
        process.terminationHandler = { [exit, input] process in
            leash.release()
            try? input?.fileHandleForWriting.close()
            let status = process.terminationStatus
            exit.append(process.terminationReason == .exit ? .code(status) : .signal(status))
            exit.close()
        }
        try process.run()
        processID = process.processIdentifier
        readLines(of: errorPipe, into: errors)
        if let outputPipe { readLines(of: outputPipe, into: output) } else { output.close() }
        do {
            try leash.hold(processID)
        } catch {
            kill()
            throw error
        }
    }

    package var isRunning: Bool { exit.count == 0 }

    /// Sends `signal`, such as `SIGTERM` or `SIGSTOP`; does nothing when the program has ended.
    package func send(_ signal: Int32) {
        if isRunning { _ = Glibc.kill(processID, signal) }
    }

    /// Gives the program a line on its standard input; a program that has ended does not get it.
    package func write(_ line: String) {
        guard isRunning else { return }
        try? input?.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
    }

    /// SIGKILL: the program gets no chance to do anything.
    package func kill() { send(SIGKILL) }

    /// How the program ended.
    package func exitStatus(within limit: Duration) async throws -> Exit {
        try await exit.first(within: limit, "the end of \(name)") { _ in true }
    }

    /// The first line of standard error that has `text` in it.
    @discardableResult
    package func errorLine(
        containing text: String, after position: Int = 0, within limit: Duration
    ) async throws -> String {
        try await errors.first(after: position, within: limit, "'\(text)' from \(name)") { $0.contains(text) }
    }

    /// Returns once `count` lines of standard error had `text` in them.
    package func errorLines(containing text: String, count: Int, within limit: Duration) async throws {
        let seen = Atomic(0)
        _ = try await errors.first(within: limit, "\(count) times '\(text)' from \(name)") { line in
            line.contains(text) && seen.add(1, ordering: .relaxed).newValue == count
        }
    }

    /// Runs a program to its end and returns its output; an error when it does not end well.
    @discardableResult
    package static func run(
        _ executable: String, _ arguments: [String] = [], environment: [String: String]? = nil,
        folder: String? = nil, within limit: Duration = .seconds(60)
    ) async throws -> [String] {
        let child = try ChildProcess(executable, arguments, environment: environment, folder: folder)
        defer { child.kill() }
        let exit = try await child.exitStatus(within: limit)
        try await child.output.closed(within: limit, "the output of \(child.name)")
        try await child.errors.closed(within: limit, "the output of \(child.name)")
        guard exit == .code(0) else {
            throw ChildProcessError(name: child.name, exit: exit, lines: child.errors.elements)
        }
        return child.output.elements
    }
}

/// A program that was expected to end well did not.
package struct ChildProcessError: Error, CustomStringConvertible {
    package let name: String
    package let exit: ChildProcess.Exit
    /// What it said last.
    package let lines: [String]

    package var description: String {
        "\(name) ended with \(exit): \(lines.suffix(5).joined(separator: "; "))"
    }
}

private func emptyFile(_ path: String) throws -> FileHandle {
    try Data().write(to: URL(filePath: path))
    return try FileHandle(forWritingTo: URL(filePath: path))
}

/// Reads on a thread of its own, since a program that nobody listens to stops when the pipe is full.
private func readLines(of pipe: Pipe, into log: EventLog<String>) {
    let handle = pipe.fileHandleForReading
    Thread.detachNewThread {
        var rest = Data()
        while case let data = handle.availableData, !data.isEmpty {
            rest.append(data)
            var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            // What is behind the last line feed is not yet a line.
            rest = Data(lines.removeLast())
            for line in lines { log.append(String(decoding: line, as: UTF8.self)) }
        }
        if !rest.isEmpty { log.append(String(decoding: rest, as: UTF8.self)) }
        try? handle.close()
        log.close()
    }
}
