import Glibc
import TestSupport

/// How long the disk takes to flush a page: no row is committed sooner, and none while the disk stands still.
enum DiskFlush {
    /// As much as a small transaction writes to the log.
    private static let pageBytes = 8_192

    /// Writes pages one behind the other to a file that has its size already, as a database does with its log,
    /// and flushes each; blocks.
    ///
    /// - Returns: how long each flush took, in milliseconds.
    static func times(in folder: String, count: Int, every pause: Duration) throws -> [Double] {
        let path = "\(folder)/flush"
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SetupError("cannot make \(path): errno \(errno)") }
        defer {
            close(file)
            unlink(path)
        }
        let page = [UInt8](repeating: 1, count: pageBytes)
        let write = { index in pwrite(file, page, page.count, off_t(index * pageBytes)) == page.count }
        guard (0..<count).allSatisfy(write), fsync(file) == 0 else { throw SetupError("cannot write: errno \(errno)") }
        return try (0..<count).map { index in
            usleep(UInt32(pause.inSeconds * 1e6))
            guard write(index) else { throw SetupError("cannot write: errno \(errno)") }
            return ContinuousClock().measure { fdatasync(file) }.inSeconds * 1_000
        }
    }
}
