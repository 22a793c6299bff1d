import Glibc
import Logging
import Testing

@testable import Producer

@Suite("What a spool says when a system call failed")
struct SpoolErrorTests {
    @Test(
        "It says what to do about it, and only a full disk is called full",
        arguments: [
            (ENOSPC, SpoolError.Kind.noRoom, "make room on that disk"), (EDQUOT, .noRoom, "make room on that disk"),
            (EIO, .unusable, "look at that disk"), (EMFILE, .unusable, "raise the limit of open files"),
            (ENOMEM, .unusable, "give the producer more memory"),
            (EROFS, .unusable, "name a folder that this user may write to"),
            (ENOENT, .missing, "name a folder that this user may write to"),
        ])
    func advice(_ number: Int32, _ kind: SpoolError.Kind, _ advice: String) {
        let error = SpoolError(number, "/spool/file")
        #expect(error.kind == kind && error.description.contains("; \(advice)"))
        #expect(error.description.contains("/spool/file: \(String(cString: strerror(number)));"))
        let full = Spool.Full.disk(error)
        #expect("\(full.message)".contains("disk is full") == (kind == .noRoom))
        #expect(full.metadata["reason"] == "\(error)")
    }

    @Test("A limit is called that, with its size")
    func limit() {
        let full = Spool.Full.limit(bytes: 5)
        #expect("\(full.message)".contains("raise SPOOL_MAX_BYTES") && full.metadata == ["spool.max_bytes": "5"])
    }
}
