import Foundation
import Glibc
package import Postgres
import Runtime
import Synchronization

/// A private PostgreSQL with TimescaleDB on 127.0.0.1: a data folder, a port and a life of its own.
///
/// It ends with this process, however this process ends. Its superuser is `postgres`, without a password.
package final class TimescaleServer: Sendable {
    package let port: Int
    /// Holds the data and the socket. Removed by ``stop()``, or when this process ends.
    package let folder: String

    private let binaries: TimescaleBinaries
    private let settings: [String: String]
    /// A small disk beside its own, with a tablespace.
    package let disk: SmallDisk?
    private let process: Mutex<ChildProcess>
    private let thread = DedicatedThread(name: "timescale-server")

    /// The tablespace on ``disk``.
    package static let diskTablespace = "small"

    /// How long the server may take for something that normally takes less than a second.
    private static let limit = Duration.seconds(60)

    /// One server for all tests of this process; each test makes a database of its own in it. It does not
    /// wait for the disk, which only a power cut would tell.
    package static var shared: TimescaleServer {
        get async throws { try await starting.value }
    }
    private static let starting = Task { try await TimescaleServer(extraSettings: ["fsync": "off"]) }

    /// Makes a cluster and starts its server, which takes about a second.
    ///
    /// - Parameters:
    ///   - extraSettings: server settings by name, over the ones that we choose. Data is
    ///     flushed to the disk as in production unless `fsync` is `off` here.
    ///   - diskMegabytes: the size of ``disk``; without it there is none.
    ///   - certificate: what clients are shown that ask for TLS; without it there is none.
    package init(
        extraSettings: [String: String] = [:], diskMegabytes: Int? = nil,
        certificate: TestAuthority.Certificate? = nil
    ) async throws {
        binaries = try TimescaleBinaries()
        folder = try binaries.makeFolder()
        var settings = Self.ownSettings.merging(extraSettings) { _, extra in extra }
        do {
            if let certificate { settings.merge(try Self.keep(certificate, in: folder)) { $1 } }
            self.settings = settings
            try await Self.makeCluster(binaries, folder)
            disk = if let diskMegabytes { try await Self.makeDisk(diskMegabytes, in: folder) } else { nil }
            let started = try await Self.startOnFreePort(binaries, folder, settings, disk)
            port = started.port
            process = Mutex(started.process)
            if let disk { try await makeTablespace(on: disk) }
        } catch {
            try? FileManager.default.removeItem(atPath: folder)
            throw error
        }
    }

    private static let ownSettings = [
        "listen_addresses": "127.0.0.1",
        "shared_preload_libraries": "timescaledb",
        "timescaledb.telemetry_level": "off",
        // Every database with the extension has a worker of its own, and every test has a database.
        "timescaledb.max_background_workers": "64",
        "max_worker_processes": "96",
        "max_connections": "200",
        "log_min_messages": "warning",
    ]

    /// Where to reach a database of this server.
    package func configuration(database: String) -> PostgresConfiguration {
        PostgresConfiguration(
            host: "127.0.0.1", port: port, database: database, user: "postgres", sslMode: "disable",
            applicationName: "test")
    }

    /// Makes an empty database, with the extension `timescaledb` unless `extension` is false.
    ///
    /// - Parameter tablespace: where it is kept; nil is the server's own.
    @discardableResult
    package func createDatabase(
        _ name: String, extension: Bool = true, tablespace: String? = nil
    ) async throws -> PostgresConfiguration {
        let configuration = configuration(database: name)
        let maintenance = self.configuration(database: "postgres")
        try await thread.run {
            try PostgresConnection(maintenance).execute(
                "CREATE DATABASE \"\(name)\"" + (tablespace.map { " TABLESPACE \($0)" } ?? ""))
            guard `extension` else { return }
            // In one transaction, so that the extension's scheduler never sees the job that the Apache
            // edition cannot run and would log as an error.
            try PostgresConnection(configuration).execute(
                """
                BEGIN;
                CREATE EXTENSION timescaledb;
                UPDATE _timescaledb_config.bgw_job SET scheduled = false WHERE id = 3;
                COMMIT
                """)
        }
        return configuration
    }

    private static func makeDisk(_ megabytes: Int, in folder: String) async throws -> SmallDisk {
        // As root the server runs as the one whose folder this is.
        var status = stat()
        guard stat(folder, &status) == 0 else { throw SetupError("cannot look at \(folder): errno \(errno)") }
        let owner = getuid() == 0 ? ",uid=\(status.st_uid),gid=\(status.st_gid)" : ""
        return try await SmallDisk(at: "\(folder)/disk", options: "size=\(megabytes)m,mode=700\(owner)")
    }

    /// Copies a certificate to where the server, another user than we, may read it and nobody else.
    ///
    /// - Returns: the settings for it.
    private static func keep(
        _ certificate: TestAuthority.Certificate, in folder: String
    ) throws -> [String: String] {
        var owner = stat()
        guard stat(folder, &owner) == 0 else { throw SetupError("cannot look at \(folder): errno \(errno)") }
        var settings = ["ssl": "on"]
        for (setting, path) in [
            ("ssl_cert_file", certificate.certificatePath), ("ssl_key_file", certificate.keyPath),
        ] {
            let copy = "\(folder)/\(setting).pem"
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            guard chmod(copy, 0o600) == 0, chown(copy, owner.st_uid, owner.st_gid) == 0 else {
                throw SetupError("cannot hand over \(copy): errno \(errno)")
            }
            settings[setting] = copy
        }
        return settings
    }

    private func makeTablespace(on disk: SmallDisk) async throws {
        let maintenance = configuration(database: "postgres")
        try await thread.run {
            try PostgresConnection(maintenance).execute(
                "CREATE TABLESPACE \(Self.diskTablespace) LOCATION '\(disk.path)'")
        }
    }

    /// Runs one command of psql to its end.
    package func psql(_ command: String, database: String) async throws {
        let psql = binaries.command(
            "psql",
            [
                "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", "\(port)", "-U", "postgres", "-d",
                database,
                "-c", command,
            ])
        try await ChildProcess.run(
            psql.executable, psql.arguments, environment: binaries.environment, folder: folder, within: Self.limit)
    }

    /// The server's log.
    package var log: EventLog<String> { process.withLock { $0.errors } }

    /// Kills the server as a power cut would, and returns when all of its processes are gone.
    package func kill() async throws {
        let process = process.withLock { $0 }
        process.kill()
        try await Self.ended(process)
    }

    /// Starts the server again, on the same port and data, after ``kill()`` or ``shutDown()``.
    package func restart() async throws {
        let started = try await Self.start(binaries, folder, port: port, settings, disk)
        process.withLock { $0 = started }
    }

    /// Ends the server in order (connections are cut) and keeps its data.
    package func shutDown() async throws {
        let process = process.withLock { $0 }
        process.send(SIGINT)
        try await Self.ended(process)
    }

    /// Ends the server and removes its folder.
    package func stop() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await shutDown()
    }
}

extension TimescaleServer {
    private static func makeCluster(_ binaries: TimescaleBinaries, _ folder: String) async throws {
        let initdb = binaries.command(
            "initdb",
            ["-D", "\(folder)/data", "-U", "postgres", "--no-locale", "-E", "UTF8", "-A", "trust", "--no-sync"])
        try await ChildProcess.run(
            initdb.executable, initdb.arguments, environment: binaries.environment, folder: folder, within: limit)
    }

    /// Another program can take the port before the server does: then with another one.
    private static func startOnFreePort(
        _ binaries: TimescaleBinaries, _ folder: String, _ settings: [String: String], _ disk: SmallDisk?
    ) async throws -> (port: Int, process: ChildProcess) {
        for _ in 1...3 {
            let port = try freePort()
            do {
                return (port, try await start(binaries, folder, port: port, settings, disk))
            } catch is ChildProcessError {
                continue
            }
        }
        let port = try freePort()
        return (port, try await start(binaries, folder, port: port, settings, disk))
    }

    /// Returns when the server accepts connections.
    private static func start(
        _ binaries: TimescaleBinaries, _ folder: String, port: Int, _ settings: [String: String],
        _ disk: SmallDisk?
    ) async throws -> ChildProcess {
        let all = settings.merging(["port": String(port), "unix_socket_directories": folder]) { own, _ in own }
        let arguments = all.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
        let server = binaries.command("postgres", ["-D", "\(folder)/data"] + arguments)
        let postgres = disk?.entering(server, folder: folder) ?? server
        let process = try ChildProcess(
            postgres.executable, postgres.arguments, environment: binaries.environment, folder: folder,
            ending: .quit, removing: folder, keptLines: 2_000)
        do {
            try await process.errorLine(containing: "database system is ready to accept connections", within: limit)
            return process
        } catch {
            process.kill()
            let exit = try await process.exitStatus(within: limit)
            throw ChildProcessError(name: "postgres", exit: exit, lines: process.errors.elements)
        }
    }

    /// Every process of a server holds its log open, so the log's end is the end of the last of them.
    /// Only then can a server start again: until then the old one's shared memory is in use.
    private static func ended(_ process: ChildProcess) async throws {
        _ = try await process.exitStatus(within: limit)
        try await process.errors.closed(within: limit, "the end of the server's processes")
    }
}
