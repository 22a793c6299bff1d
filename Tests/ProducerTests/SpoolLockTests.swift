import Glibc
import Runtime
import Testing

@testable import Producer

@Suite("The lock of a spool")
struct SpoolLockTests {
    /// What `producer check` says of the folder.
    private func detail(_ folder: SpoolFolder) -> String? {
        let limits = Spool.Limits(bytes: 64 << 10, frameBytes: 4_000)
        return SpoolProbe(folder.path, limits: limits).findings().first?.detail
    }

    @Test("A check sees who has it, and that nobody has it any more")
    func seen() throws {
        let folder = try SpoolFolder()
        let spool = try folder.open()
        #expect(detail(folder) == "\(folder.path): writable, in use by process \(getpid())")
        _ = consume spool
        #expect(detail(folder) == "\(folder.path): writable")
        let next = try folder.open()
        #expect(throws: SpoolError.self) { _ = try folder.open() }
        // Neither the check nor the one that was refused has ended it.
        #expect(detail(folder)?.hasSuffix("in use by process \(getpid())") == true)
        #expect(try next.append([1]) == 1)
    }

    @Test("A check takes nothing: a producer starts at any moment of it")
    func asked() throws {
        let folder = try SpoolFolder()
        _ = try folder.open()
        let check = open("\(folder.path)/lock", O_RDONLY | O_CLOEXEC)
        try #require(check >= 0)
        defer { close(check) }
        #expect(!SpoolLock.isTaken(check))
        let spool = try folder.open()
        #expect(SpoolLock.isTaken(check))
        _ = consume spool
        #expect(!SpoolLock.isTaken(check))
    }
}
