import Foundation
import Glibc

/// The private PostgreSQL that `timescaledb.sh` put into a folder, and how its programs are run.
struct TimescaleBinaries {
    private let folder: String
    private let isRoot = getuid() == 0

    /// From `TIMESCALEDB_ROOT`, else from where the script puts it.
    init() throws {
        let environment = ProcessInfo.processInfo.environment
        let root = environment["TIMESCALEDB_ROOT"] ?? Self.defaultRoot(environment)
        folder = "\(root)/usr/lib/postgresql/17/bin"
        guard FileManager.default.isExecutableFile(atPath: "\(folder)/postgres") else {
            throw SetupError(
                "no TimescaleDB in \(root): run 'make test', or Tests/TestSupport/timescaledb.sh once")
        }
    }

    private static func defaultRoot(_ environment: [String: String]) -> String {
        if getuid() == 0 { return "/var/cache/ticker-pipeline/timescaledb" }
        let home = environment["HOME"] ?? "/tmp"
        return "\(environment["XDG_CACHE_HOME"] ?? "\(home)/.cache")/ticker-pipeline/timescaledb"
    }

    /// The command that runs `program`. PostgreSQL refuses to run as root: then it runs as nobody.
    func command(_ program: String, _ arguments: [String]) -> (executable: String, arguments: [String]) {
        let path = "\(folder)/\(program)"
        guard isRoot else { return (path, arguments) }
        let user = ["--reuid=\(nobody)", "--regid=\(nobody)", "--clear-groups", "--"]
        return ("/usr/bin/setpriv", user + [path] + arguments)
    }

    /// A new folder that the server may write to, with a path short enough for a socket in it.
    func makeFolder() throws -> String {
        let parent = FileManager.default.temporaryDirectory.path
        // The path of a socket has at most 107 bytes.
        let template = "\(parent.utf8.count < 60 ? parent : "/tmp")/timescaledb.XXXXXX"
        var path = Array(template.utf8CString)
        guard mkdtemp(&path) != nil else { throw SetupError("cannot create \(template): errno \(errno)") }
        let made = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if isRoot, chown(made, nobody, nobody) != 0 { throw SetupError("cannot hand over \(made): errno \(errno)") }
        return made
    }

    /// Only what the programs need: a `PGDATA` or `PGOPTIONS` of the user's must not reach them.
    let environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
}

/// The user and the group that own nothing, on every Debian.
private let nobody: uid_t = 65534
