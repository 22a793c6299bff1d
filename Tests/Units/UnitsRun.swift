import Foundation
import TestSupport

/// What has to be true of the units, one after the other, over a pipeline whose services run in the machine.
struct UnitsRun {
    private let pipeline: Pipeline
    private let staging: String
    private let session: Session
    private let authority: TestAuthority
    private let exchange: ExchangeServer
    private let admin: [String: AdminPort]

    private static let limit = Duration.seconds(60)
    private static let frameCount = 2_000
    private static let services = ["producer", "consumer"]

    /// - Parameter staging: gets the settings and secrets of this run, and is then the machine's.
    init(_ pipeline: Pipeline, staging: String) async throws {
        self.pipeline = pipeline
        self.staging = staging
        var settings = SeededSettings(frameCount: Self.frameCount)
        // All of it in an hour that is over, among those that a run of the loader looks for.
        let hour = Int64(Date.now.timeIntervalSince1970) / 3_600 - 2
        settings.start = hour * 3_600_000 + 600_000
        session = .seeded(settings)
        authority = try TestAuthority()
        admin = ["producer": try AdminPort(), "consumer": try AdminPort()]
        exchange = try await ExchangeServer.start(
            session: session, playback: Playback(.unlimited, start: .manual),
            settings: ExchangeSettings(certificate: try authority.server()))
    }

    func run() async throws {
        try writeSettings()
        let machine = try await Machine(staging: staging)
        do {
            try await check(machine)
        } catch {
            let journal = try? await machine.run("journalctl", "--lines=40", "--no-pager", "--output=cat")
            for line in journal ?? [] { print("    \(line)") }
            try? await machine.stop()
            throw error
        }
        try await machine.stop()
        await exchange.stop()
    }

    private func check(_ machine: Machine) async throws {
        print("ok      \(try await machine.run("systemctl", "--version")[0]) is up")
        try await start(machine)
        try await confine(machine)
        try await carry(machine)
        try await look()
        try await load(machine)
        try await starve(machine)
        try await stop(machine)
        try await schedule(machine)
    }

    // MARK: - What is tried

    private func start(_ machine: Machine) async throws {
        for service in Self.services {
            // Returns when systemd was told that it is ready.
            try await machine.run("systemctl", "start", "ticker-\(service)")
            let unit = try await machine.show("ticker-\(service)")
            try expect(
                unit,
                [
                    "ActiveState": "active", "SubState": "running", "Type": "notify", "WatchdogUSec": "1min",
                    "NRestarts": "0",
                ])
            print("ok      ticker-\(service) is ready: \(unit["StatusText"] ?? "")")
        }
    }

    /// What the kernel says of each process, and not what the unit says.
    private func confine(_ machine: Machine) async throws {
        for service in Self.services {
            let unit = try await machine.show("ticker-\(service)")
            let lines = try await machine.run("cat", "/proc/\(unit["MainPID"] ?? "")/status")
            let status = Dictionary(
                lines.compactMap { line in
                    line.firstIndex(of: ":").map {
                        (String(line[..<$0]), line[line.index(after: $0)...].split(separator: "\t"))
                    }
                }, uniquingKeysWith: { $1 })
            func value(_ name: String) -> String { status[name]?.first.map(String.init) ?? "" }
            try expect(value("Seccomp") == "2", "\(service) has a filter of system calls")
            try expect(value("NoNewPrivs") == "1", "\(service) can gain no rights")
            try expect(value("CapBnd") == "0000000000000000", "\(service) can have no capability")
            try expect((Int(value("Uid")) ?? 0) >= 61_184, "\(service) runs as a user of its own")
        }
        print("ok      both run confined")
    }

    private func carry(_ machine: Machine) async throws {
        try await exchange.observed.wait(within: Self.limit) { !$0.subscriptions.isEmpty }
        try await exchange.resume()
        try await waitForRows()
        let producer = try await machine.show("ticker-producer")
        try expect(producer["StatusText"]?.hasPrefix("receiving ") == true, "the status says that it receives")
        try await machine.run("test", "-e", "/var/lib/private/ticker-producer/lock")
        try await rememberStart(machine)
        print("ok      \(Self.frameCount) frames are rows: \(producer["StatusText"] ?? "")")
    }

    /// The spool has to know this start of the machine, or it takes every kill for a power cut. The kernel tells of
    /// it in `/proc`; see the spool's `BootIdentity`, and its `state` for the place.
    private func rememberStart(_ machine: Machine) async throws {
        let known = try await machine.run(
            "od", "-An", "-t", "x8", "-j", "560", "-N", "16", "/var/lib/private/ticker-producer/state")
        let start = try await machine.run("cat", "/proc/sys/kernel/random/boot_id")
        try expect(
            known.joined().filter(\.isHexDigit) == start.joined().filter(\.isHexDigit),
            "the spool knows the start of the machine: \(known), not \(start)")
    }

    /// What a process knows of itself it reads in `/proc`, of which it sees little.
    private func look() async throws {
        for service in Self.services {
            guard let port = admin[service] else { continue }
            try await port.waitUntilReady(200)
            let metrics = try await port.metrics()
            for name in [
                "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds",
                "process_start_time_seconds",
            ] {
                try expect((metrics[name] ?? 0) > 0, "\(service) tells \(name)")
            }
        }
        print("ok      both are ready by their admin ports, and tell figures of their processes")
    }

    private func load(_ machine: Machine) async throws {
        // What the hour's end depends on; see LOADER_CLOSE_TIMEOUT in the settings.
        try await machine.run("systemctl", "start", "ticker-loader")
        let unit = try await machine.show("ticker-loader")
        try expect(unit, ["Result": "success", "ExecMainStatus": "0", "Type": "oneshot"])
        let totals = try await pipeline.warehouse.totals()
        try expect(totals.rows == Self.frameCount, "\(totals.rows) rows in the warehouse, not \(Self.frameCount)")
        print("ok      ticker-loader has loaded them")
    }

    /// A process that stands still is ended and started again, and goes on where it was.
    private func starve(_ machine: Machine) async throws {
        for service in Self.services {
            try await machine.write(
                "[Service]\nWatchdogSec=3s\n", to: "/run/systemd/system/ticker-\(service).service.d/test.conf")
        }
        // Of a unit that ended well, and that no other one names, systemd forgets how it ended.
        try await machine.write(
            "[Unit]\nWants=ticker-producer.service ticker-consumer.service\n",
            to: "/run/systemd/system/basic.target.d/test.conf")
        try await machine.run("systemctl", "daemon-reload")
        for service in Self.services {
            try await machine.run("systemctl", "restart", "ticker-\(service)")
            let journal = machine.journal.output.count
            try await machine.run("systemctl", "kill", "--signal=STOP", "--kill-who=main", "ticker-\(service)")
            _ = try await machine.journal.output.first(after: journal, within: Self.limit, "the watchdog of \(service)")
            {
                $0.hasPrefix("ticker-\(service).service: Watchdog timeout")
            }
            try await machine.wait(for: "ticker-\(service)", toBe: ["ActiveState": "active", "NRestarts": "1"])
            print("ok      ticker-\(service) was stopped by a signal, and restarted by the watchdog")
        }
        try await waitForRows()
    }

    private func stop(_ machine: Machine) async throws {
        for service in Self.services {
            let start = ContinuousClock.now
            try await machine.run("systemctl", "stop", "ticker-\(service)")
            let time = ContinuousClock.now - start
            let unit = try await machine.show("ticker-\(service)")
            // CLD_EXITED: it came to its own end, and systemd did not have to help after TimeoutStopSec.
            try expect(
                unit, ["ActiveState": "inactive", "Result": "success", "ExecMainCode": "1", "ExecMainStatus": "0"])
            try expect(time < .seconds(5), "\(service) took \(time) to stop")
            print("ok      ticker-\(service) stopped by itself in \(Int(time / .milliseconds(1))) ms")
        }
    }

    private func schedule(_ machine: Machine) async throws {
        try await machine.run("systemctl", "start", "ticker-loader.timer")
        let timer = try await machine.show("ticker-loader.timer")
        try expect(timer, ["ActiveState": "active", "Unit": "ticker-loader.service", "Persistent": "yes"])
        try expect(timer["NextElapseUSecRealtime"]?.contains(":05:00") == true, "the timer's next time is a few past")
        print("ok      ticker-loader.timer: next at \(timer["NextElapseUSecRealtime"] ?? "")")
    }

    // MARK: - Help

    private func waitForRows() async throws {
        try await pipeline.database.wait(
            for: "SELECT count(*) FROM trade_data", toBe: "\(Self.frameCount)", within: Self.limit)
    }

    /// The settings of this run, as an administrator would write them, and the secrets in the credential store.
    private func writeSettings() throws {
        let own = [
            "producer": [
                "UPBIT_WEBSOCKET_URL": exchange.webSocketURL,
                "UPBIT_MARKETS_URL": "\(exchange.restURL)/v1/market/all",
                "UPBIT_CA_FILE": "/etc/ticker-pipeline/authority.pem", "UPBIT_MARKETS": "*",
            ],
            "loader": ["LOADER_CLOSE_TIMEOUT": "1s"],
        ]
        let folder = "\(staging)/etc/ticker-pipeline"
        for service in ["producer", "consumer", "loader"] {
            var settings = pipeline.services.settings(of: service)
            settings.merge(own[service] ?? [:]) { $1 }
            settings.merge(admin[service]?.settings ?? ["ADMIN_PORT": "0"]) { $1 }
            // That comes by the credential store.
            let key = settings.removeValue(forKey: "GOOGLE_APPLICATION_CREDENTIALS")
            if let key {
                try copy(key, to: "\(staging)/etc/credstore/ticker-pipeline.google-credentials.json", mode: 0o600)
            }
            let text = settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
            try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(service).env"))
        }
        try copy(authority.authorityPath, to: "\(folder)/authority.pem", mode: 0o644)
    }

    private func copy(_ path: String, to target: String, mode: Int) throws {
        let folder = URL(filePath: target).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try? FileManager.default.removeItem(atPath: target)
        try FileManager.default.copyItem(atPath: path, toPath: target)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: target)
    }

    private func expect(_ condition: Bool, _ what: String) throws {
        guard condition else { throw SetupError("not so: \(what)") }
    }

    private func expect(_ unit: [String: String], _ expected: [String: String]) throws {
        for (name, value) in expected.sorted(by: { $0.key < $1.key }) {
            try expect(
                unit[name] == value, "\(name) of \(unit["Id"] ?? "") is \(value); it is \(unit[name] ?? "nothing")")
        }
    }
}
