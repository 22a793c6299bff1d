import Foundation
import Glibc
import Postgres

/// A disk of a server's own that is really full when it is full: a small file system in memory, which
/// only the server's processes see and which goes with them.
package struct SmallDisk: Sendable {
    package let megabytes: Int
    /// The tablespace on it.
    package static let tablespace = "small"

    package init(megabytes: Int) { self.megabytes = megabytes }

    static func path(in folder: String) -> String { "\(folder)/disk" }

    /// `command` with the disk mounted for it and for what it starts.
    ///
    /// Who is not root mounts it as the root of a user namespace and runs the command as the user again.
    func mounting(_ command: (executable: String, arguments: [String]), in folder: String) -> (
        executable: String, arguments: [String]
    ) {
        let isRoot = getuid() == 0
        let script = #"mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@""#
        let owner = isRoot ? ",uid=65534,gid=65534" : ""
        let asUser =
            isRoot ? [] : ["/usr/bin/unshare", "--user", "--map-user=\(getuid())", "--map-group=\(getgid())"]
        return (
            "/usr/bin/unshare",
            (isRoot ? [] : ["--user", "--map-root-user"])
                + [
                    "--mount", "--propagation", "private", "sh", "-c", script, "disk",
                    "size=\(megabytes)m,mode=700\(owner)", Self.path(in: folder),
                ]
                + asUser + [command.executable] + command.arguments
        )
    }
}

extension TimescaleServer {
    /// Leaves no byte free on the small disk.
    package func fillDisk() throws {
        let path = fillerPath
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else { throw SetupError("cannot create \(path): errno \(errno)") }
        defer { close(file) }
        // In ever smaller steps, until not even the smallest fits.
        for size in [1 << 20, 1 << 12, 1] {
            let block = [UInt8](repeating: 0, count: size)
            while write(file, block, size) == size {}
        }
        guard errno == ENOSPC else { throw SetupError("cannot fill the disk: errno \(errno)") }
    }

    package func emptyDisk() throws { try FileManager.default.removeItem(atPath: fillerPath) }

    /// The disk is mounted for the server alone, whose view of the files the kernel shows us here.
    private var fillerPath: String {
        "/proc/\(processID)/root\(SmallDisk.path(in: folder))/filler"
    }
}
