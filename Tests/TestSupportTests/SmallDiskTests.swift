import Foundation
import Glibc
import TestSupport
import Testing

@Suite("A small disk", .timeLimit(.minutes(5)))
struct SmallDiskTests {
    private let limit = Duration.seconds(60)

    /// A folder that is removed, with a disk in it.
    private func withDisk(_ body: (String, SmallDisk) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "disk-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder, SmallDisk(at: "\(folder)/disk", options: "size=1m"))
    }

    /// Runs a script on the disk to its end.
    @discardableResult
    private func run(_ script: String, on disk: SmallDisk, folder: String) async throws -> [String] {
        let command = disk.entering(("/bin/sh", ["-c", script]), folder: folder)
        return try await ChildProcess.run(command.executable, command.arguments, within: limit)
    }

    @Test("What a process writes there is there for the next one, and for us alone by the way from outside")
    func successors() async throws {
        try await withDisk { folder, disk in
            try await run("echo first > disk/file", on: disk, folder: folder)
            #expect(try await run("cat \(disk.path)/file", on: disk, folder: folder) == ["first"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == [])
            #expect(try String(contentsOfFile: disk.outside("\(disk.path)/file"), encoding: .utf8) == "first\n")
            #expect(Footprint.diskBytes(of: disk.outside(disk.path)) == 4_096)
        }
    }

    @Test("A full one has no byte left, also when something was removed and it is filled again, until it is emptied")
    func full() async throws {
        let write = "head -c 8192 /dev/zero > disk/file"
        try await withDisk { folder, disk in
            try await run(write, on: disk, folder: folder)
            try disk.fill()
            await #expect(throws: ChildProcessError.self) {
                try await run("echo 1 > disk/other", on: disk, folder: folder)
            }
            try await run("rm disk/file disk/other", on: disk, folder: folder)
            try disk.fill()
            await #expect(throws: ChildProcessError.self) { try await run(write, on: disk, folder: folder) }
            try disk.empty()
            try await run(write, on: disk, folder: folder)
        }
    }

    @Test("A process on it has the id that it was started with, and its user's rights")
    func process() async throws {
        try await withDisk { folder, disk in
            let command = disk.entering(("/bin/sh", ["-c", "echo $$ $(id -u) $PWD; exec sleep 100"]), folder: folder)
            let child = try ChildProcess(command.executable, command.arguments)
            _ = try await child.output.first(within: limit, "the process") {
                $0 == "\(child.processID) \(getuid()) \(folder)"
            }
            child.kill()
            #expect(try await child.exitStatus(within: limit) == .signal(SIGKILL))
        }
    }

    @Test("One that cannot be mounted is an error that says why")
    func refused() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "disk-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let error = await #expect(throws: SetupError.self) {
            try await SmallDisk(at: folder, options: "size=everything")
        }
        #expect("\(try #require(error))".contains("no small disk can be mounted here: mount: "))
    }
}
