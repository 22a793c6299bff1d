import Foundation
import Glibc
import Synchronization

/// Ends a process when ours is gone, however ours went: crash, SIGKILL, or a test run that was stopped.
///
/// A small shell waits on a pipe that only we hold open. The kernel closes it when we die, the shell
/// wakes up and ends the process. It does so too when this object goes away while it holds.
/// (`PR_SET_PDEATHSIG` is no use: it follows the *thread* that started the process, and threads of a pool come
/// and go.)
package final class Leash: Sendable {
    /// What the process is sent.
    package enum Ending: String, Sendable {
        case kill = "KILL"
        /// For a PostgreSQL server: end now, and take the children along.
        case quit = "QUIT"
    }

    private enum State {
        case idle
        case released
        case held(Process, Pipe)
    }

    private let ending: Ending
    private let folder: String?
    private let state: Mutex<State> = Mutex(.idle)

    /// - Parameter folder: removed once the process is gone.
    package init(ending: Ending, removing folder: String?) {
        self.ending = ending
        self.folder = folder
    }

    deinit {
        // The shell's `Process` may keep the pipe for longer than we live.
        state.withLock { if case .held(_, let pipe) = $0 { try? pipe.fileHandleForWriting.close() } }
    }

    /// A zombie counts as gone: in a container there may be nobody to reap it.
    private static let script = """
        read -r _
        kill -s "$2" "$1"
        [ -n "$3" ] || exit 0
        while status=$(cat "/proc/$1/status" 2>/dev/null); do
            case $status in *State:?Z*) break ;; esac
            sleep 0.05
        done
        rm -rf -- "$3"
        """

    /// Holds `processID` until ``release()``, which may already have been called.
    package func hold(_ processID: Int32) throws {
        let shell = Process()
        let pipe = Pipe()
        shell.executableURL = URL(filePath: "/bin/sh")
        shell.arguments = ["-c", Self.script, "leash", String(processID), ending.rawValue, folder ?? ""]
        shell.standardInput = pipe
        shell.standardOutput = FileHandle.nullDevice
        shell.standardError = FileHandle.nullDevice
        // No other child may inherit our end, or the pipe stays open when we are gone.
        _ = fcntl(pipe.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        try shell.run()
        let isLate = state.withLock { state in
            if case .released = state { return true }
            state = .held(shell, pipe)
            return false
        }
        if isLate { Self.end(shell, pipe) }
    }

    /// The process ended by itself: nothing is left to do, and its id may soon be another's.
    package func release() {
        state.withLock { state in
            if case .held(let shell, let pipe) = state { Self.end(shell, pipe) }
            state = .released
        }
    }

    /// In this order: the shell must not find the pipe closed and end a process that has got the id since.
    private static func end(_ shell: Process, _ pipe: Pipe) {
        kill(shell.processIdentifier, SIGKILL)
        try? pipe.fileHandleForWriting.close()
    }
}
