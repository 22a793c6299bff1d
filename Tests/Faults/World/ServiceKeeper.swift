import Foundation
import Glibc
import TestSupport

/// Keeps a service running: starts it again whenever it ends, as systemd does, and keeps what it said.
final class ServiceKeeper: Sendable {
    struct State: Sendable {
        var process: ChildProcess?
        var starts = 0
        /// When each process began: microseconds since 1970.
        var startTimes: [Int64] = []
        /// How each process ended that did.
        var ends: [ServiceEnd] = []
        /// How long it took to end after each SIGTERM.
        var stopTimes: [Duration] = []
        var isStopping = false
        /// By the number of the process.
        fileprivate var requests: [Int: ServiceEnd.Request] = [:]

        /// How often SIGKILL met it.
        var kills: Int { ends.count(where: \.isKill) }
        var ownEnds: [ServiceEnd] { ends.filter(\.isOwn) }
    }

    let name: String
    let state = WatchedValue(State())
    private let logFolder: String
    private let launch: @Sendable () throws -> ChildProcess

    /// Wrong usage, somebody must decide, wrong settings: starting again mends none of them.
    private static let finalExits: [ChildProcess.Exit] = [.code(64), .code(70), .code(78)]
    /// A service that ends by itself is not started again at once.
    private static let pause = Duration.milliseconds(300)
    private static let limit = Duration.seconds(30)
    /// Of processes that are met by a fault just when they have ended.
    private static let mostTries = 30

    init(_ name: String, logFolder: String, _ launch: @escaping @Sendable () throws -> ChildProcess) {
        self.name = name
        self.logFolder = logFolder
        self.launch = launch
    }

    /// Keeps it running until ``stop()``. An error is that of a service that cannot go on.
    func run() async throws {
        while !state.value.isStopping {
            let time = Chronicle.now
            let process = try launch()
            state.update {
                $0.process = process
                $0.starts += 1
                $0.startTimes.append(time)
            }
            let exit = try await process.exitStatus(within: .seconds(86_400))
            try await process.errors.closed(within: .seconds(10), "the end of \(name)'s output")
            keepLog(of: process)
            let end = note(exit, process.errors.elements.last ?? "")
            guard end.isOwn else { continue }
            if Self.finalExits.contains(exit) { throw SetupError("cannot go on: \(end)") }
            try await Task.sleep(for: Self.pause)
        }
        state.update { $0.process = nil }
    }

    private func note(_ exit: ChildProcess.Exit, _ lastWords: String) -> ServiceEnd {
        let now = state.value
        let end = ServiceEnd(
            service: name, start: now.starts, exit: exit, request: now.requests[now.starts], lastWords: lastWords)
        state.update { $0.ends.append(end) }
        return end
    }

    private func keepLog(of process: ChildProcess) {
        let text = process.errors.elements.joined(separator: "\n") + "\n"
        let path = "\(logFolder)/\(name)-\(state.value.starts).log"
        try? Data(text.utf8).write(to: URL(filePath: path))
    }
}

// MARK: - Faults

extension ServiceKeeper {
    /// SIGKILL for a process that lives; returns when the successor runs. False when none could be met.
    func kill(tries: Int = mostTries) async throws -> Bool {
        try await untilMet(tries: tries) { [self] process, start in
            request(.kill, of: start)
            process.kill()
            let ended = try await state.wait(within: Self.limit) { $0.ends.contains { $0.start == start } }
            try await successor(of: start)
            return ended.ends.contains { $0.start == start && $0.isKill }
        }
    }

    /// SIGTERM for a process that lives; returns when the successor runs. False when none could be met.
    func terminate() async throws -> Bool {
        try await untilMet { [self] process, start in
            guard process.isRunning else {
                try await successor(of: start)
                return false
            }
            try await end(process, start)
            try await successor(of: start)
            return true
        }
    }

    /// SIGSTOP, and SIGCONT when `body` has returned. False when no process could be stopped.
    func freeze(while body: @Sendable () async throws -> Void) async throws -> Bool {
        try await untilMet { process, start in
            process.send(SIGSTOP)
            defer { process.send(SIGCONT) }
            guard await process.isStopped(within: .seconds(1)) else {
                try await Task.sleep(for: Self.pause)
                return false
            }
            try await body()
            return true
        }
    }

    /// SIGTERM without a successor.
    func stop() async throws {
        state.update { $0.isStopping = true }
        let now = state.value
        if let process = now.process, process.isRunning { try await end(process, now.starts) }
        try await state.wait(within: Self.limit) { $0.process == nil }
    }

    /// Tries a fault on one process after the other.
    private func untilMet(
        tries: Int = mostTries, _ fault: @Sendable (_ process: ChildProcess, _ start: Int) async throws -> Bool
    ) async throws -> Bool {
        for _ in 0..<tries {
            let now = try await state.wait(within: Self.limit) { $0.process != nil || $0.isStopping }
            guard let process = now.process, !now.isStopping else { return false }
            if try await fault(process, now.starts) { return true }
        }
        return false
    }

    private func successor(of start: Int) async throws {
        try await state.wait(within: Self.limit) { $0.starts > start || $0.isStopping }
    }

    /// Asks the process to end, and ends it when it does not.
    private func end(_ process: ChildProcess, _ start: Int) async throws {
        // Looked at before it is sent: it may get ready in between, and never the other way round.
        request(.stop(isEarly: !process.handles(SIGTERM)), of: start)
        let time = ContinuousClock.now
        process.send(SIGTERM)
        if (try? await process.exitStatus(within: Self.limit)) == nil { process.kill() }
        state.update { $0.stopTimes.append(.now - time) }
    }

    private func request(_ request: ServiceEnd.Request, of start: Int) {
        // The first one counts.
        state.update { if $0.requests[start] == nil { $0.requests[start] = request } }
    }
}

// MARK: - Words

extension ServiceKeeper {
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
}
