import Foundation
import TestSupport
import Testing

/// Runs the real `make install` over what the tests were built with.
@Suite("make install", .serialized)
struct InstallTests {
    /// Where everything is put.
    private let folder: TemporaryFolder
    private let staging: String

    init() async throws {
        folder = try TemporaryFolder()
        staging = "\(folder.path)/staging"
        try await make("extras")
    }

    // MARK: - The tree

    @Test("It puts binaries, units, manual pages, completions and settings where Debian has them, and nothing else")
    func tree() async throws {
        try await make("install", "DESTDIR=\(staging)", "PREFIX=/usr")
        var expected: [String: Int] = [:]
        for service in Self.services {
            expected["usr/bin/\(service)"] = 0o755
            expected["usr/share/man/man1/\(service).1"] = 0o644
            expected["usr/share/bash-completion/completions/\(service)"] = 0o644
            expected["usr/share/zsh/site-functions/_\(service)"] = 0o644
            expected["usr/share/fish/vendor_completions.d/\(service).fish"] = 0o644
            expected["usr/lib/systemd/system/ticker-\(service).service"] = 0o644
            expected["etc/ticker-pipeline/\(service).env"] = 0o600
        }
        expected["usr/lib/systemd/system/ticker-loader.timer"] = 0o644
        #expect(try files(in: staging) == expected)
    }

    @Test("The units name the paths of their own tree, and no other prefix")
    func substitutedPaths() async throws {
        try await make("install", "DESTDIR=\(staging)", "PREFIX=/opt/ticker", "SYSCONFDIR=/opt/ticker/etc")
        for service in Self.services {
            let unit = try text("\(staging)/opt/ticker/lib/systemd/system/ticker-\(service).service")
            let lines = unit.split(separator: "\n")
            #expect(lines.contains("ExecStart=/opt/ticker/bin/\(service)"))
            #expect(lines.contains("EnvironmentFile=-/opt/ticker/etc/ticker-pipeline/\(service).env"))
            #expect(!unit.contains("/usr/local"))
        }
        #expect(try files(in: staging).keys.allSatisfy { $0.hasPrefix("opt/ticker/") })
    }

    @Test("Without a build it says what to do, and installs nothing")
    func withoutBuild() async throws {
        let error = await #expect(throws: ChildProcessError.self) {
            try await make("install", "DESTDIR=\(staging)", "BUILD=\(folder.path)/nothing")
        }
        #expect(error?.exit == .code(2))
        #expect(!FileManager.default.fileExists(atPath: staging))
    }

    // MARK: - Settings, and leaving

    @Test("Settings that are there are not touched, neither by an upgrade nor by leaving")
    func settings() async throws {
        try await make("install", "DESTDIR=\(staging)")
        let path = "\(staging)/etc/ticker-pipeline/consumer.env"
        try Data("TIMESCALEDB_HOST=mine\n".utf8).write(to: URL(filePath: path))
        try await make("install", "DESTDIR=\(staging)")
        #expect(try text(path) == "TIMESCALEDB_HOST=mine\n")
        let words = try await make("uninstall", "DESTDIR=\(staging)")
        #expect(try Array(files(in: staging).keys) == ["etc/ticker-pipeline/consumer.env"])
        #expect(words.contains { $0.contains("your settings are still in \(staging)/etc/ticker-pipeline") })
    }

    @Test("make uninstall leaves no file of it, and files of others alone")
    func uninstall() async throws {
        try await make("install", "DESTDIR=\(staging)", "PREFIX=/usr")
        let other = "usr/share/man/man1/other.1"
        try Data("other".utf8).write(to: URL(filePath: "\(staging)/\(other)"))
        try await make("uninstall", "DESTDIR=\(staging)", "PREFIX=/usr")
        #expect(try Array(files(in: staging).keys) == [other])
        #expect(!FileManager.default.fileExists(atPath: "\(staging)/etc/ticker-pipeline"))
    }

    // MARK: - What is installed

    @Test("systemd has nothing to say against the units")
    func verifiedUnits() async throws {
        // In their place, since systemd looks for the executables, too.
        try await make("install", "PREFIX=\(staging)/usr", "SYSCONFDIR=\(staging)/etc")
        let units = try files(in: "\(staging)/usr/lib/systemd/system").keys.sorted()
        try #require(units.count == 4)
        let verify = try ChildProcess(
            "/usr/bin/systemd-analyze",
            ["verify", "--man=no"] + units.map { "\(staging)/usr/lib/systemd/system/\($0)" })
        #expect(try await verify.exitStatus(within: .seconds(60)) == .code(0))
        try await verify.errors.closed(within: .seconds(20), "the verdict")
        // Of a key that it does not know it only speaks.
        #expect(verify.errors.elements == [])
    }

    @Test("Each service is exposed at most 1.2, by systemd's own count", arguments: services)
    func exposure(service: String) async throws {
        try await make("install", "DESTDIR=\(staging)")
        let unit = "\(staging)/usr/local/lib/systemd/system/ticker-\(service).service"
        let lines = try await ChildProcess.run(
            "/usr/bin/systemd-analyze", ["security", "--offline=true", "--threshold=12", "--no-pager", unit])
        #expect(lines.contains { $0.contains("Overall exposure level for ticker-\(service).service: 1.") })
    }

    @Test("Of /proc each unit shows its service all that the sources read there", arguments: services)
    func visibleFiles(service: String) throws {
        let unit = try text("\(Self.repository)/systemd/ticker-\(service).service").split(separator: "\n")
        // With that, a service sees of /proc what is told of processes, and nothing of the machine.
        let seesProcessesAlone = unit.contains("ProcSubset=pid")
        let paths = try ["Shared", service.capitalized].flatMap { try filesOfProc(in: "Sources/\($0)") }
        #expect(paths.contains("/proc/self/stat"))
        #expect(paths.allSatisfy { !seesProcessesAlone || $0.hasPrefix("/proc/self/") }, "\(paths)")
        #expect(paths.contains("/proc/sys/kernel/random/boot_id") == (service == "producer"))
    }

    @Test("A service has its own 5 s before systemd ends it, and is watched", arguments: ["producer", "consumer"])
    func limits(service: String) throws {
        let unit = try text("\(Self.repository)/systemd/ticker-\(service).service").split(separator: "\n")
        for line in ["Type=notify", "NotifyAccess=main", "WatchdogSec=60s", "TimeoutStopSec=10s", "Restart=always"] {
            #expect(unit.contains(Substring(line)))
        }
    }

    @Test("The manual's pages are right by mandoc, and name the service and its settings", arguments: services)
    func manual(service: String) async throws {
        try await make("install", "DESTDIR=\(staging)")
        let page = "\(staging)/usr/local/share/man/man1/\(service).1"
        try await ChildProcess.run("/usr/bin/mandoc", ["-T", "lint", "-W", "warning", page])
        let lines = try await ChildProcess.run("/usr/bin/mandoc", ["-T", "ascii", "-O", "width=200", page])
        let plain = lines.joined(separator: "\n").replacing(/.\u{8}/, with: "")
        #expect(plain.contains("\(service) - "))
        for word in ["--env-file", "LOG_LEVEL", "SYNOPSIS", "OPTIONS"] { #expect(plain.contains(word)) }
    }

    @Test("Bash completes the options", arguments: services)
    func completion(service: String) async throws {
        try await make("install", "DESTDIR=\(staging)")
        let file = "\(staging)/usr/local/share/bash-completion/completions/\(service)"
        // As bash calls it: the command, the word at the cursor, and the one before.
        let script = """
            . "$1" && COMP_WORDS=("$2" --env) COMP_CWORD=1 COMP_LINE="$2 --env" COMP_POINT=${#COMP_LINE} && \
            { "_$2" "$2" --env "$2" || true; } && printf '%s\\n' "${COMPREPLY[@]}"
            """
        let replies = try await ChildProcess.run("/bin/bash", ["-c", script, "complete", file, service])
        #expect(replies == ["--env-file"])
    }

    // MARK: - Help

    private static let services = ["producer", "consumer", "loader"]
    private static let repository: String = {
        var folder = URL(filePath: #filePath)
        for _ in 0..<3 { folder.deleteLastPathComponent() }
        return folder.path
    }()

    @discardableResult
    private func make(_ arguments: String...) async throws -> [String] {
        let build = URL(filePath: try BuiltProduct.path("producer")).deletingLastPathComponent().path
        // Not the variables of the make that may have started the tests.
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return try await ChildProcess.run(
            "/usr/bin/make", ["--no-print-directory", "BUILD=\(build)"] + arguments, environment: ["PATH": path],
            folder: Self.repository)
    }

    private func text(_ path: String) throws -> String { try String(contentsOf: URL(filePath: path), encoding: .utf8) }

    /// What the sources of a folder name of `/proc`.
    private func filesOfProc(in folder: String) throws -> Set<String> {
        var paths: Set<String> = []
        for name in try FileManager.default.subpathsOfDirectory(atPath: "\(Self.repository)/\(folder)")
        where name.hasSuffix(".swift") {
            for match in try text("\(Self.repository)/\(folder)/\(name)").matches(of: #/"(/proc/[^"]*)"/#) {
                paths.insert(String(match.1))
            }
        }
        return paths
    }

    /// The modes of all files, by their paths inside.
    private func files(in folder: String) throws -> [String: Int] {
        var modes: [String: Int] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(path)")
            guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
            modes[path] = (attributes[.posixPermissions] as? NSNumber)?.intValue
        }
        return modes
    }
}
