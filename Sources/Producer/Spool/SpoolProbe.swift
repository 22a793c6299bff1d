import Glibc
import Runtime

/// Looks whether a folder can be the spool, without taking hold of it or making anything in it.
struct SpoolProbe {
    private let path: String
    private let limits: Spool.Limits

    init(_ path: String, limits: Spool.Limits) {
        self.path = path
        self.limits = limits
    }

    func findings() -> [Finding] {
        guard let folder = existingFolder() else {
            return [failure("\(path) is not a folder", "Name another one")]
        }
        guard access(folder, R_OK | W_OK | X_OK) == 0 else {
            return [
                failure("\(folder): \(String(cString: strerror(errno)))", "Name a folder that this user may write to")
            ]
        }
        let use = folder == path ? "writable\(owner().map { ", in use by process \($0)" } ?? "")" : "will be made"
        return [.works("spool", "\(path): \(use)"), room(in: folder)]
    }

    /// Of this machine's disks the one that the spool is on has to hold it.
    private func room(in folder: String) -> Finding {
        var disk = statvfs()
        guard statvfs(folder, &disk) == 0 else {
            return failure("\(folder): \(String(cString: strerror(errno)))", "Name another folder")
        }
        let free = Int(clamping: UInt64(disk.f_bavail) * UInt64(disk.f_frsize))
        let used = folder == path ? segmentBytes() : 0
        let detail = "\(megabytes(free)) free on its disk, SPOOL_MAX_BYTES is \(megabytes(limits.bytes))"
        if free + used < limits.segmentBytes {
            return .unavailable(
                "spool", detail, next: "Make room: \(megabytes(limits.segmentBytes)) are needed to begin")
        }
        return free + used < limits.bytes
            ? .note(
                "spool", detail, next: "The disk is full before the spool is; then frames are lost, as a recorded gap")
            : .works("spool", detail)
    }

    private func failure(_ detail: String, _ next: String) -> Finding {
        .misconfigured("spool", "SPOOL_DIRECTORY: \(detail)", next: next)
    }

    /// The folder, or the nearest one above it that there is; nil when something else is in the way.
    private func existingFolder() -> String? {
        var folder = path
        while true {
            var status = stat()
            if stat(folder, &status) == 0 { return status.st_mode & S_IFMT == S_IFDIR ? folder : nil }
            guard errno == ENOENT else { return errno == ENOTDIR ? nil : folder }
            guard let slash = folder.lastIndex(of: "/") else { return "." }
            folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
        }
    }

    /// The process that holds the folder, which is no fault: a check may run beside it.
    private func owner() -> String? {
        let lock = open("\(path)/lock", O_RDONLY | O_CLOEXEC)
        guard lock >= 0 else { return nil }
        defer { close(lock) }
        guard SpoolLock.isTaken(lock) else { return nil }
        let owner = readText(lock)
        return owner.isEmpty ? "unknown" : owner
    }

    private func segmentBytes() -> Int {
        guard let folder = opendir(path) else { return 0 }
        defer { closedir(folder) }
        var bytes = 0
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            if name.hasSuffix(SpoolDirectory.segmentSuffix), stat("\(path)/\(name)", &status) == 0 {
                bytes += Int(status.st_blocks) * 512
            }
        }
        return bytes
    }
}

private func megabytes(_ bytes: Int) -> String { "\(bytes >> 20) MiB" }
