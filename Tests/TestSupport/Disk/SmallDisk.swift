import Foundation
import Glibc

/// A disk that is really full when it is full: a small file system in memory, which only the processes see
/// that are started on it.
///
/// A process that does nothing holds it, so it outlives them. It goes with this object, and when we die.
package final class SmallDisk: Sendable {
    /// Where it is, for the processes on it; for others there is an empty folder.
    package let path: String
    private let holder: ChildProcess

    private static let limit = Duration.seconds(10)
    private static let environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]

    /// Who is not root mounts it as the root of a user namespace, and runs commands in it as the user again.
    private static let isRoot = getuid() == 0

    /// - Parameters:
    ///   - path: a folder, made when it is not there.
    ///   - options: of the file system, such as `size=6m`; see tmpfs(5).
    /// - Throws: ``SetupError`` where the kernel does not let us mount, as in most containers.
    package init(at path: String, options: String) async throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let script = #"mount -t tmpfs -o "$1" none "$2" && echo mounted && exec sleep infinity"#
        holder = try ChildProcess(
            "/usr/bin/unshare",
            (Self.isRoot ? [] : ["--user", "--map-root-user"])
                + ["--mount", "--propagation", "private", "sh", "-c", script, "disk", options, path],
            environment: Self.environment)
        do {
            _ = try await holder.output.first(within: Self.limit, "the mount") { $0 == "mounted" }
            // To make a namespace is one right, to enter it another.
            let command = entering(("/bin/true", []), folder: "/")
            try await ChildProcess.run(
                command.executable, command.arguments, environment: Self.environment, within: Self.limit)
        } catch {
            holder.kill()
            try? await holder.errors.closed(within: Self.limit, "the end of the mount's output")
            throw SetupError("no small disk can be mounted here: \(holder.errors.elements.first ?? "\(error)")")
        }
    }

    deinit { holder.kill() }

    /// `command` on this disk, as the same process: the programs in between replace themselves by the next.
    ///
    /// - Parameter folder: its working folder.
    package func entering(_ command: (executable: String, arguments: [String]), folder: String) -> (
        executable: String, arguments: [String]
    ) {
        let asUser =
            Self.isRoot ? [] : ["/usr/bin/unshare", "--user", "--map-user=\(getuid())", "--map-group=\(getgid())"]
        return (
            "/usr/bin/nsenter",
            (Self.isRoot ? [] : ["--user", "--preserve-credentials"])
                + ["--mount", "--target", "\(holder.processID)", "--wdns=\(folder)"]
                + asUser + [command.executable] + command.arguments
        )
    }

    /// Where we see what is at `path` for the processes on the disk.
    package func outside(_ path: String) -> String { "/proc/\(holder.processID)/root\(path)" }

    /// Leaves no byte free, nor of what has been freed since the last time.
    package func fill() throws {
        let file = open(fillerPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SetupError("cannot create \(fillerPath): errno \(errno)") }
        defer { close(file) }
        // In ever smaller steps, until not even the smallest fits.
        for size in [1 << 20, 1 << 12, 1] {
            let block = [UInt8](repeating: 0, count: size)
            while write(file, block, size) == size {}
        }
        guard errno == ENOSPC else { throw SetupError("cannot fill the disk: errno \(errno)") }
    }

    /// Gives back what ``fill()`` took.
    package func empty() throws { try FileManager.default.removeItem(atPath: fillerPath) }

    private var fillerPath: String { outside("\(path)/filler") }
}
