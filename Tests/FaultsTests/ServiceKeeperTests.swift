import Foundation
import Glibc
import TestSupport
import Testing

@testable import Faults

@Suite struct ServiceKeeperTests {
    private let limit = Duration.seconds(60)

    /// A keeper of a shell's script, with a folder for its logs that is removed.
    private func withKeeper(_ script: String, _ body: (ServiceKeeper) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "keeper-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(
            ServiceKeeper("sh", logFolder: folder) {
                try ChildProcess("/bin/sh", ["-c", script], folder: folder)
            })
    }

    @Test("A service that is killed or stopped runs again, until it is to run no more")
    func again() async throws {
        // The threads that start a process here may hold signals back, which it inherits.
        let script = #"""
            exec perl -MPOSIX -e 'sigprocmask(SIG_SETMASK, POSIX::SigSet->new); $SIG{TERM} = sub { exit 0 };
                print STDERR "ready\n"; sleep 100'
            """#
        try await withKeeper(script) { keeper in
            async let running: Void = keeper.run()
            try await keeper.state.wait(within: limit) { $0.process != nil }
            #expect(try await keeper.kill())
            await keeper.waitForWord("ready", within: limit)
            #expect(try await keeper.terminate())
            await keeper.waitForWord("ready", within: limit)
            try await keeper.stop()
            try await running
            let state = keeper.state.value
            #expect(state.starts == 3 && state.kills == 1 && state.stopTimes.count == 2 && state.ownEnds.isEmpty)
        }
    }

    @Test("A word is waited for over the ends of processes, and one that was said before does not count")
    func nextWord() async throws {
        // Only the first process and the third one say it.
        let script = #"""
            echo start >> starts; case $(wc -l < starts) in 1|3) echo word >&2 ;; esac
            exec perl -MPOSIX -e 'sigprocmask(SIG_SETMASK, POSIX::SigSet->new); print STDERR "ready\n"; sleep 100'
            """#
        try await withKeeper(script) { keeper in
            async let running: Void = keeper.run()
            try await keeper.state.wait(within: limit) { $0.process != nil }
            await keeper.waitForWord("ready", within: limit)
            #expect(await keeper.waitForNextWord("word", within: .milliseconds(100)) == false)
            async let isSaid = keeper.waitForNextWord("word", within: limit)
            #expect(try await keeper.kill())
            await keeper.waitForWord("ready", within: limit)
            #expect(try await keeper.kill())
            #expect(await isSaid)
            #expect(keeper.state.value.starts == 3)
            try await keeper.stop()
            try await running
        }
    }

    @Test("A service that ends by itself runs again, and how it ended is kept")
    func ownEnd() async throws {
        try await withKeeper("echo away >&2; exit 69") { keeper in
            async let running: Void = keeper.run()
            try await keeper.state.wait(within: limit) { $0.ownEnds.count == 2 }
            try await keeper.stop()
            try await running
            let end = keeper.state.value.ownEnds.first
            #expect(end?.exit == .code(69) && end?.lastWords == "away" && end?.request == nil)
        }
    }

    @Test("A service that was asked to end and says that it cannot has not ended in order")
    func failedStop() async throws {
        let script = #"""
            exec perl -MPOSIX -e 'sigprocmask(SIG_SETMASK, POSIX::SigSet->new); $SIG{TERM} = sub { exit 69 };
                print STDERR "ready\n"; sleep 100'
            """#
        try await withKeeper(script) { keeper in
            async let running: Void = keeper.run()
            try await keeper.state.wait(within: limit) { $0.process != nil }
            await keeper.waitForWord("ready", within: limit)
            try await keeper.stop()
            try await running
            let end = keeper.state.value.ends.first
            #expect(end?.request == .stop(isEarly: false) && end?.isOwn == false && end?.difference != nil)
        }
    }

    @Test("A service that is not ready for SIGTERM dies of it, which is no failure")
    func earlyStop() async throws {
        let script = #"""
            exec perl -MPOSIX -e 'sigprocmask(SIG_SETMASK, POSIX::SigSet->new); print STDERR "ready\n"; sleep 100'
            """#
        try await withKeeper(script) { keeper in
            async let running: Void = keeper.run()
            try await keeper.state.wait(within: limit) { $0.process != nil }
            await keeper.waitForWord("ready", within: limit)
            try await keeper.stop()
            try await running
            let end = keeper.state.value.ends.first
            #expect(end?.request == .stop(isEarly: true) && end?.difference == nil)
        }
    }

    @Test("A kill that only meets processes that have ended by themselves has met nobody")
    func killOfNobody() async throws {
        try await withKeeper("exit 69") { keeper in
            let launched = keeper.state
            async let running: Void = keeper.run()
            // Each is killed after its end, before the next one runs.
            try await launched.wait(within: limit) { $0.ends.count == 1 }
            _ = try await keeper.kill(tries: 2)
            try await keeper.stop()
            try await running
            let ends = launched.value.ends
            #expect(launched.value.kills == ends.count { $0.exit == .signal(SIGKILL) })
            #expect(ends.first?.isOwn == true && ends.first?.difference == nil)
        }
    }

    @Test("A service stands still while it is frozen, and goes on afterwards")
    func freeze() async throws {
        let script = #"""
            exec perl -MPOSIX -e 'sigprocmask(SIG_SETMASK, POSIX::SigSet->new); $SIG{TERM} = sub { exit 0 };
                print STDERR "ready\n"; sleep 100'
            """#
        try await withKeeper(script) { keeper in
            async let running: Void = keeper.run()
            try await keeper.state.wait(within: limit) { $0.process != nil }
            await keeper.waitForWord("ready", within: limit)
            let isFrozen = try await keeper.freeze {
                let process = keeper.state.value.process
                #expect(await process?.isStopped(within: .seconds(10)) == true)
            }
            #expect(isFrozen)
            try await keeper.stop()
            try await running
            #expect(keeper.state.value.ends.first?.exit == .code(0))
        }
    }

    @Test("A service that says that somebody must decide is not started again")
    func finalEnd() async throws {
        try await withKeeper("echo decide >&2; exit 70") { keeper in
            await #expect(throws: SetupError.self) { try await keeper.run() }
            #expect(keeper.state.value.starts == 1)
        }
    }
}
