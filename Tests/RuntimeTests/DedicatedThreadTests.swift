import Dispatch
import Foundation
import Runtime
import Synchronization
import Testing

@Suite("A dedicated thread")
struct DedicatedThreadTests {
    @Test("It runs one piece of work after the other, in the order given")
    func order() async throws {
        let thread = DedicatedThread(name: "test")
        let seen = Mutex<[Int]>([])
        for number in 0..<100 {
            try await thread.run { seen.withLock { $0.append(number) } }
        }
        #expect(seen.withLock { $0 } == Array(0..<100))
    }

    @Test("Its work never overlaps, however many ask")
    func serial() async throws {
        let thread = DedicatedThread(name: "test")
        let overlap = Overlap()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await thread.run { overlap.work() }
                }
            }
            try await group.waitForAll()
        }
        #expect(overlap.most.load(ordering: .relaxed) == 1)
    }

    @Test("What the work returns or throws comes back")
    func results() async throws {
        let thread = DedicatedThread(name: "test")
        #expect(try await thread.run { 7 } == 7)
        let error = await #expect(throws: ConfigurationError.self) {
            try await thread.run { throw ConfigurationError("no") }
        }
        #expect(error?.description == "no")
    }

    @Test("Work that blocks takes no thread from Swift's pool", .timeLimit(.minutes(1)))
    func blocking() async throws {
        // More than the pool has threads: if they blocked there, nobody could open the gate.
        let count = ProcessInfo.processInfo.activeProcessorCount + 2
        let gate = DispatchSemaphore(value: 0)
        let opened = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<count {
                group.addTask {
                    try await DedicatedThread(name: "blocked \(number)").run {
                        gate.wait(timeout: .now() + .seconds(20)) == .success
                    }
                }
            }
            group.addTask {
                for _ in 0..<count { gate.signal() }
                return true
            }
            return try await group.reduce(true) { $0 && $1 }
        }
        #expect(opened)
    }

    @Test("An actor can live on it, off Swift's pool", .timeLimit(.minutes(1)))
    func actors() async {
        let count = ProcessInfo.processInfo.activeProcessorCount + 2
        let gate = DispatchSemaphore(value: 0)
        let opened = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<count { group.addTask { await Resident().wait(for: gate) } }
            group.addTask {
                for _ in 0..<count { gate.signal() }
                return true
            }
            return await group.reduce(true) { $0 && $1 }
        }
        #expect(opened)
    }
}

private final class Overlap: Sendable {
    private let running = Atomic(0)
    let most = Atomic(0)

    func work() {
        most.max(running.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
        usleep(100)
        running.subtract(1, ordering: .relaxed)
    }
}

private actor Resident {
    private let thread = DedicatedThread(name: "resident")
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    func wait(for gate: DispatchSemaphore) -> Bool { gate.wait(timeout: .now() + .seconds(20)) == .success }
}
