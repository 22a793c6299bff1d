import Foundation
import Glibc
import TestSupport

/// Keeps a service running: starts it again whenever it ends, as systemd does, and keeps what it said.
final class ServiceKeeper: Sendable {
    struct State: Sendable {
        var process: ChildProcess?
        var starts = 0
        /// How often SIGKILL met it.
        var kills = 0
        /// How long it took to end after each SIGTERM.
        var stopTimes: [Duration] = []
        /// How it ended when nobody had asked for it, with its last words.
        var ownEnds: [String] = []
        fileprivate var terminatedID: Int32?
        var isStopping = false
    }

    let name: String
    let state = WatchedValue(State())
    private let logFolder: String
    private let launch: @Sendable () throws -> ChildProcess

    /// Wrong usage, somebody must decide, wrong settings: starting again mends none of them.
    private static let finalExits: [ChildProcess.Exit] = [.code(64), .code(70), .code(78)]
    /// A service that ends by itself is not started again at once.
    private static let pause = Duration.milliseconds(300)

    init(_ name: String, logFolder: String, _ launch: @escaping @Sendable () throws -> ChildProcess) {
        self.name = name
        self.logFolder = logFolder
        self.launch = launch
    }

    /// Keeps it running until ``stop()``. An error is that of a service that cannot go on.
    func run() async throws {
        while !state.value.isStopping {
            let process = try launch()
            state.update {
                $0.process = process
                $0.starts += 1
            }
            let exit = try await process.exitStatus(within: .seconds(86_400))
            try await process.errors.closed(within: .seconds(10), "the end of \(name)'s output")
            keepLog(of: process)
            if exit == .signal(SIGKILL) { state.update { $0.kills += 1 } }
            let isAskedFor = state.value.isStopping || state.value.terminatedID == process.processID
            // SIGTERM can come before the program is ready to take it.
            let isStop = exit == .code(0) || exit == .signal(SIGTERM)
            guard exit != .signal(SIGKILL), !isAskedFor || !isStop else { continue }
            let end = "\(exit): \(process.errors.elements.last ?? "")"
            state.update { $0.ownEnds.append(end) }
            if Self.finalExits.contains(exit) { throw SetupError("\(name) cannot go on: \(end)") }
            try await Task.sleep(for: Self.pause)
        }
        state.update { $0.process = nil }
    }

    /// SIGKILL; returns when the successor runs.
    func kill() async throws {
        let (process, starts) = (state.value.process, state.value.starts)
        process?.kill()
        try await state.wait(within: .seconds(30)) { $0.starts > starts || $0.isStopping }
    }

    /// Waits until the process that runs now has said `text`, or is gone, or the time is up.
    func waitForWord(_ text: String, within limit: Duration) async {
        _ = try? await state.value.process?.errorLine(containing: text, within: limit)
    }

    /// Waits until the process that runs now, or one after it, says `text`. False when the time is up before.
    func waitForNextWord(_ text: String, within limit: Duration) async -> Bool {
        let end = ContinuousClock.now + limit
        // What the process has said before does not count.
        var now = state.value
        var position = now.process?.errors.count ?? 0
        while true {
            let word = try? await now.process?.errorLine(containing: text, after: position, within: end - .now)
            if word != nil { return true }
            let starts = now.starts
            guard (try? await state.wait(within: end - .now, for: { $0.starts > starts })) != nil else { return false }
            now = state.value
            position = 0
        }
    }

    func send(_ signal: Int32) { state.value.process?.send(signal) }

    /// SIGTERM; returns when the successor runs.
    func terminate() async throws {
        let starts = state.value.starts
        try await end(within: .seconds(30))
        try await state.wait(within: .seconds(30)) { $0.starts > starts || $0.isStopping }
    }

    /// SIGTERM without a successor.
    func stop() async throws {
        state.update { $0.isStopping = true }
        try await end(within: .seconds(30))
        try await state.wait(within: .seconds(30)) { $0.process == nil }
    }

    /// Asks the process to end, and ends it when it does not.
    private func end(within limit: Duration) async throws {
        guard let process = state.value.process else { return }
        state.update { $0.terminatedID = process.processID }
        let start = ContinuousClock.now
        process.send(SIGTERM)
        if (try? await process.exitStatus(within: limit)) == nil { process.kill() }
        state.update { $0.stopTimes.append(.now - start) }
    }

    private func keepLog(of process: ChildProcess) {
        let text = process.errors.elements.joined(separator: "\n") + "\n"
        let path = "\(logFolder)/\(name)-\(state.value.starts).log"
        try? Data(text.utf8).write(to: URL(filePath: path))
    }
}
