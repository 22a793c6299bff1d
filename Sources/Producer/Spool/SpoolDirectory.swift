import FoundationEssentials
import Glibc

/// The folder of a spool, held by one process at a time.
///
/// ```
/// lock                            held while a producer runs, see `SpoolLock`; its process id
/// state                           see `SpoolState`
/// 00000000000000000001.segment    named after the sequence of its first record
/// ….segment.corrupt               kept for a person to look at
/// ….new                           was being made when the process ended
/// ```
final class SpoolDirectory: Sendable {
    let path: String
    /// How segments are read; otherwise in tests, as from a disk that fails.
    let readBlock: BlockReader.ReadBlock
    private let lock: Int32

    static let segmentSuffix = ".segment"
    static let newSuffix = ".new"

    /// Makes the folder when it is not there, and takes hold of it.
    init(
        _ path: String, readBlock: @escaping BlockReader.ReadBlock = BlockReader.fromDisk
    ) throws(SpoolError) {
        self.path = path
        self.readBlock = readBlock
        try makeFolders(path)
        let lockPath = "\(path)/lock"
        lock = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw SpoolError(errno, path) }
        guard try SpoolLock.take(lock, lockPath) else { throw inUse(path, by: readText(lock)) }
        // For the message above alone, so it does not matter whether there is room for it.
        var text = "\(getpid())"
        _ = ftruncate(lock, 0)
        text.withUTF8 { _ = pwrite(lock, $0.baseAddress, $0.count, 0) }
        removeUnfinished()
    }

    /// The kernel would do so as well when the process ends.
    deinit { close(lock) }

    /// The segments in the order of their records. What is named after a sequence that there cannot be is none.
    func segments() -> [(firstSequence: UInt64, path: String)] {
        names().compactMap { name in
            guard name.hasSuffix(Self.segmentSuffix), let first = UInt64(name.dropLast(Self.segmentSuffix.count)),
                first <= SpoolState.largestSequence
            else { return nil }
            return (first, "\(path)/\(name)")
        }.sorted { $0.firstSequence < $1.firstSequence }
    }

    func segmentPath(firstSequence: UInt64) -> String {
        let digits = String(firstSequence)
        return "\(path)/\(String(repeating: "0", count: 20 - digits.count))\(digits)\(Self.segmentSuffix)"
    }

    /// Makes a file of zeroes that appears under its name only when it is as `prepare` left it.
    ///
    /// Its room on the disk is taken now: a mapping that has none would end the process with SIGBUS.
    ///
    /// - Returns: the descriptor, open for reading and writing.
    func create(
        _ path: String, bytes: Int, prepare: (Int32) throws(SpoolError) -> Void
    ) throws(SpoolError) -> Int32 {
        let unfinished = path + Self.newSuffix
        let descriptor = open(unfinished, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SpoolError(errno, unfinished) }
        do throws(SpoolError) {
            let result = posix_fallocate(descriptor, 0, off_t(bytes))
            guard result == 0 else { throw SpoolError(result, unfinished) }
            try prepare(descriptor)
            guard rename(unfinished, path) == 0 else { throw SpoolError(errno, path) }
            return descriptor
        } catch {
            close(descriptor)
            unlink(unfinished)
            throw error
        }
    }

    /// Makes new and removed names last over a crash of the machine.
    func synchronize() throws(SpoolError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SpoolError(errno, path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SpoolError(errno, path) }
    }

    private func removeUnfinished() {
        for name in names() where name.hasSuffix(Self.newSuffix) { unlink("\(path)/\(name)") }
    }

    private func names() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
}

private func inUse(_ path: String, by owner: String) -> SpoolError {
    SpoolError(
        .inUse,
        """
        SPOOL_DIRECTORY: another producer\(owner.isEmpty ? "" : " (process \(owner))") uses \(path); \
        stop it, or name another folder
        """)
}

private func makeFolders(_ path: String) throws(SpoolError) {
    // An existing folder is told apart from a file by opening the lock in it.
    guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
        throw SpoolError(errno, path)
    }
    try makeFolders(String(path[..<slash]))
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SpoolError(errno, path) }
}

func readText(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 20)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
}
