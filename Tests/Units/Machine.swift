import Foundation
import TestSupport

/// A systemd as the first process of its own process, mount, cgroup and host name spaces, as in a container: with
/// this host's `/usr`, read only, our own `/usr/local` and `/etc`, and everything else empty and in memory.
///
/// It shares the host's network, where the outside world of the tests is. It goes with this object, and when we die.
final class Machine: Sendable {
    /// No systemd can be booted here.
    struct CannotBoot: Error, CustomStringConvertible {
        let description: String
    }

    /// Lines of its journal from the start on.
    let journal: ChildProcess
    private let boot: ChildProcess
    private let name: String
    private let folder: TemporaryFolder
    /// Of its systemd, as this host counts.
    private let processID: Int32

    private static let environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
    private static let bootLimit = Duration.seconds(60)

    /// - Parameter staging: `usr/local` and `etc` of it are the machine's.
    /// - Throws: ``CannotBoot`` where the kernel does not let us.
    init(staging: String) async throws {
        folder = try TemporaryFolder()
        name = "units-\(UUID().uuidString.lowercased().prefix(8))"
        boot = try ChildProcess(
            "/usr/bin/unshare",
            [
                "--mount", "--propagation", "private", "/bin/sh", "-euc", Self.prepare, "machine", folder.path, name,
                staging,
            ],
            environment: Self.environment)
        do {
            let line = try await boot.output.first(within: Self.bootLimit, "the machine's systemd") {
                $0.hasPrefix("pid ")
            }
            // In a process space of its own it is 1. Ours is the only child of the process that we started.
            guard line == "pid 1" else { throw SetupError("the machine's systemd is no first process: \(line)") }
            processID = try Self.child(of: boot.processID)
            try await Self.waitUntilRunning(processID)
            journal = try ChildProcess(
                "/usr/bin/nsenter",
                Self.entering(processID) + ["journalctl", "--follow", "--lines=all", "--output=cat"],
                environment: Self.environment)
        } catch {
            boot.kill()
            try? await boot.errors.closed(within: .seconds(10), "the machine's output")
            try? await Self.removeControlGroups(name)
            throw CannotBoot(description: "\(error) \(boot.errors.elements.suffix(5))")
        }
    }

    deinit { boot.kill() }

    /// Runs a command in the machine and returns its output.
    @discardableResult
    func run(_ command: String..., within limit: Duration = .seconds(90)) async throws -> [String] {
        try await ChildProcess.run(
            "/usr/bin/nsenter", Self.entering(processID) + command, environment: Self.environment, within: limit)
    }

    /// Writes a file in the machine, where only memory is.
    func write(_ text: String, to path: String) async throws {
        try await run(
            "/bin/sh", "-euc", #"mkdir -p "$(dirname "$1")"; printf %s "$2" >"$1""#, "write", path, text)
    }

    /// What systemd knows of a unit.
    func show(_ unit: String) async throws -> [String: String] {
        let lines = try await run("systemctl", "show", unit)
        return Dictionary(
            lines.compactMap { line in
                line.firstIndex(of: "=").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
            }, uniquingKeysWith: { $1 })
    }

    /// Returns once systemd knows this of a unit. It tells nobody of itself, so it is asked again and again.
    func wait(for unit: String, toBe expected: [String: String], within limit: Duration = .seconds(60)) async throws {
        let deadline = ContinuousClock.now + limit
        while true {
            let known = try await show(unit).filter { expected[$0.key] != nil }
            if known == expected { return }
            guard ContinuousClock.now < deadline else {
                throw SetupError("\(unit) is \(known) and not \(expected) after \(limit)")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Ends every process of the machine.
    func stop() async throws {
        journal.kill()
        boot.kill()
        _ = try await boot.exitStatus(within: .seconds(20))
        try await Self.removeControlGroups(name)
    }

    // MARK: - How it is made

    private static func entering(_ processID: Int32) -> [String] {
        ["--target", "\(processID)", "--mount", "--pid", "--ipc", "--uts", "--cgroup", "--root", "--wdns=/"]
    }

    private static func child(of processID: Int32) throws -> Int32 {
        let children = try String(
            contentsOf: URL(filePath: "/proc/\(processID)/task/\(processID)/children"), encoding: .utf8)
        guard let child = children.split(separator: " ").first.flatMap({ Int32($0) }) else {
            throw SetupError("the machine has ended")
        }
        return child
    }

    /// systemd's socket is there soon after its start; then it answers when it is done.
    private static func waitUntilRunning(_ processID: Int32) async throws {
        let deadline = ContinuousClock.now + bootLimit
        while true {
            do {
                let state = try await ChildProcess.run(
                    "/usr/bin/nsenter", entering(processID) + ["systemctl", "is-system-running", "--wait"],
                    environment: environment, within: bootLimit)
                guard state == ["running"] else { throw SetupError("the machine is \(state)") }
                return
            } catch {
                guard ContinuousClock.now < deadline else { throw error }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// The machine's last processes may be on their way out still, and a cgroup with one cannot be removed.
    private static func removeControlGroups(_ name: String) async throws {
        let script = #"""
            mount -t cgroup2 none /mnt
            for attempt in $(seq 100); do
                [ -e "/mnt/$1" ] || exit 0
                find "/mnt/$1" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
            done
            exit 1
            """#
        try await ChildProcess.run(
            "/usr/bin/unshare", ["--mount", "--propagation", "private", "/bin/sh", "-uc", script, "remove", name],
            environment: environment)
    }

    /// In a mount space of its own: puts the root together, goes into a cgroup of its own, and starts the machine.
    ///
    /// `/proc/sys` and `/sys` are read only as in containers, so that the machine's systemd leaves this host's
    /// settings and devices alone.
    private static let prepare = #"""
        root=$1 name=$2 staging=$3
        mount -t tmpfs -o mode=755 none "$root"
        cd "$root"
        mkdir cgroup
        mount -t cgroup2 none cgroup
        mkdir "cgroup/$name"
        echo $$ >"cgroup/$name/cgroup.procs"
        umount cgroup
        rmdir cgroup
        mkdir dev etc opt proc root run srv sys tmp usr var
        for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$folder"; done
        mount --bind /usr usr
        mount -o remount,bind,ro usr
        mount --bind "$staging/usr/local" usr/local
        for file in group gshadow host.conf hosts ld.so.cache ld.so.conf ld.so.conf.d nsswitch.conf passwd \
            protocols resolv.conf services shadow ssl alternatives; do
            [ ! -e "/etc/$file" ] || cp -aL "/etc/$file" etc/ 2>/dev/null || true
        done
        ln -s ../usr/lib/os-release etc/os-release
        echo 0123456789abcdef0123456789abcdef >etc/machine-id
        cp -a "$staging/etc/." etc/
        exec unshare --pid --ipc --uts --cgroup --fork --kill-child /bin/sh -euc "$4" machine
        """#.replacing(#""$4""#, with: "'\(start)'")

    /// As the first process of the machine. Its systemd hands out credentials by mounts that have to be seen by others.
    private static let start = #"""
        mount -t proc none proc
        mount --bind proc/sys proc/sys
        mount -o remount,bind,ro proc/sys
        mount -t sysfs -o ro none sys
        mount -t cgroup2 none sys/fs/cgroup
        mount -t tmpfs -o mode=755 none dev
        for device in null zero full random urandom tty; do
            : >dev/$device
            mount --bind /dev/$device dev/$device
        done
        mkdir dev/shm dev/pts
        mount -t tmpfs -o mode=1777 none dev/shm
        mount -t devpts -o newinstance,ptmxmode=0666,mode=620 none dev/pts
        ln -s pts/ptmx dev/ptmx
        ln -s /proc/self/fd dev/fd
        mount -t tmpfs -o mode=755 none run
        mount -t tmpfs -o mode=1777 none tmp
        mkdir .host
        pivot_root . .host
        echo pid $$
        exec chroot . /bin/sh -c "umount -l /.host; rmdir /.host; mount --make-rshared /; exec env -i container=other /usr/lib/systemd/systemd --unit=basic.target"
        """#
}
