import Foundation
import Glibc
import Testing

import TestSupport

@Suite struct ChildProcessTests {
    @Test("A program gets the lines that are written to it, and none when it takes no input")
    func input() async throws {
        let child = try ChildProcess("/bin/cat", takesInput: true)
        child.write("one")
        _ = try await child.output.first(within: .seconds(60), "the line") { $0 == "one" }
        child.kill()
        #expect(try await ChildProcess.run("/bin/cat").isEmpty)
    }

    @Test("Lines of output and of errors come as events, and the exit code is told")
    func lines() async throws {
        let child = try ChildProcess("/bin/sh", ["-c", "echo one; echo two >&2; printf three >&2; exit 3"])
        #expect(try await child.exitStatus(within: .seconds(60)) == .code(3))
        try await child.errors.closed(within: .seconds(60), "the end of errors")
        try await child.output.closed(within: .seconds(60), "the end of output")
        #expect(child.output.elements == ["one"])
        #expect(child.errors.elements == ["two", "three"])
    }

    @Test("A line that does not come ends the wait at its limit")
    func limit() async throws {
        let child = try ChildProcess("/bin/sleep", ["100"])
        await #expect(throws: WaitError.self) {
            try await child.errorLine(containing: "never", within: .milliseconds(10))
        }
        child.kill()
        #expect(try await child.exitStatus(within: .seconds(60)) == .signal(SIGKILL))
    }

    @Test("A child ends when our end of its leash's pipe is closed, as it is when we die")
    func leash() async throws {
        let child = try ChildProcess("/bin/sleep", ["100"])
        // The child must not hold our files: a copy of a leash's pipe in it would keep the pipe open.
        let inherited = try pipes(of: child.processID)
        #expect(inherited == [])
        try Leash(ending: .kill, removing: nil).hold(child.processID)
        #expect(try await child.exitStatus(within: .seconds(60)) == .signal(SIGKILL))
    }

    @Test("A child that has ended leaves none of our files open", .timeLimit(.minutes(5)))
    func descriptors() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: file) }
        func run(_ count: Int) async throws {
            for number in 0..<count {
                let child = try ChildProcess(
                    "/bin/true", takesInput: true, outputFile: number.isMultiple(of: 2) ? file : nil)
                #expect(try await child.exitStatus(within: .seconds(60)) == .code(0))
                try await child.errors.closed(within: .seconds(60), "the end of errors")
                try await child.output.closed(within: .seconds(60), "the end of output")
            }
        }
        // The first one opens what Foundation needs for all.
        try await run(1)
        let before = try openFiles()
        try await run(20)
        // Other tests may open some meanwhile, but not one a child.
        #expect(try openFiles() < before + 20)
    }

    @Test("A program that fails is an error with its last words")
    func failure() async throws {
        await #expect { try await ChildProcess.run("/bin/sh", ["-c", "echo alas >&2; exit 1"]) } throws: { error in
            "\(error)".contains("alas")
        }
    }

    @Test("A built product is found beside the tests")
    func product() throws {
        #expect(FileManager.default.isExecutableFile(atPath: try BuiltProduct.path("consumer")))
        #expect(throws: SetupError.self) { try BuiltProduct.path("no-such-product") }
    }
}

private func openFiles() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
}

/// The pipes that a process has open beside its standard input, output and errors.
private func pipes(of processID: Int32) throws -> [String] {
    let folder = "/proc/\(processID)/fd"
    return try FileManager.default.contentsOfDirectory(atPath: folder).filter { !["0", "1", "2"].contains($0) }
        .map { try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") }
        .filter { $0.hasPrefix("pipe:") }
}
