import Kafka
import Logging
import Postgres
import Runtime

extension ConsumerSettings {
    func checks() -> [Check] {
        [
            Check("Kafka", at: servers) { limit in
                let thread = DedicatedThread(name: "kafka")
                return await (try? thread.run { kafkaFindings(within: limit) }) ?? []
            },
            Check("database", at: "\(database)") { limit in
                let thread = DedicatedThread(name: "database")
                return await (try? thread.run { databaseFindings(within: limit) }) ?? []
            },
        ]
    }

    private var servers: String { kafka.first { $0.name == "bootstrap.servers" }?.value ?? "" }

    private func kafkaFindings(within limit: Duration) -> [Finding] {
        do {
            let cluster = try makeProbe().cluster(within: limit)
            return KafkaSettings.findings(
                servers: servers, topic: topics.ticks, gapsTopic: topics.gaps, brokers: cluster.brokers,
                partitions: cluster.partitions)
        } catch let error as KafkaError {
            return [KafkaSettings.failure(servers: servers, reason: error.reason, needsPerson: error.needsPerson)]
        } catch {
            return [.misconfigured("Kafka", "\(error)")]
        }
    }

    private func databaseFindings(within limit: Duration) -> [Finding] {
        var configuration = database
        configuration.answerTimeout = limit
        var findings: [Finding] = []
        do throws(PostgresError) {
            let connection = try PostgresConnection(configuration)
            findings.append(.works("database", "\(database): \(try connection.server())"))
            findings.append(try timescaleFinding(connection))
            findings.append(try tablesFinding(connection))
        } catch {
            findings.append(findings.isEmpty ? DatabaseSettings.unreachable("\(database)", "\(error)") : refusal(error))
        }
        return findings
    }

    private func timescaleFinding(_ connection: borrowing PostgresConnection) throws(PostgresError) -> Finding {
        let answer = try connection.query(
            """
            SELECT default_version, installed_version, current_setting('timescaledb.license', true)
            FROM pg_available_extensions WHERE name = 'timescaledb'
            """)
        guard answer.rowCount > 0 else {
            return .note(
                "TimescaleDB", "not on this server: trade_data is a plain table",
                next: "Install the extension before the first start to have a hypertable")
        }
        guard let version = answer.text(0, 1) else {
            return .note(
                "TimescaleDB", "\(answer.text(0, 0) ?? "") is on the server and not in this database",
                next: "The consumer creates the extension with the tables, when its role may")
        }
        let edition =
            answer.text(0, 2) == "apache"
            ? "Apache edition, without compression, policies and continuous aggregates" : "Community edition"
        return .works("TimescaleDB", "\(version), \(edition)")
    }

    private func tablesFinding(_ connection: borrowing PostgresConnection) throws(PostgresError) -> Finding {
        var missing: [String] = []
        for (table, _) in Schema.privileges where try connection.lacksRelation(table) { missing.append(table) }
        let silent = Logger(label: Self.service) { _ in SwiftLogNoOpLogHandler() }
        let lacked = try Schema.rehearse(in: connection, chunkInterval: chunkInterval, logger: silent) {
            () throws(PostgresError) in
            var lacked: [String] = []
            for (table, privileges) in Schema.privileges {
                let names = try connection.lackedPrivileges(of: privileges, on: table)
                if !names.isEmpty { lacked.append("\(names.joined(separator: ", ")) on \(table)") }
            }
            return lacked
        }
        guard lacked.isEmpty else {
            return .misconfigured(
                "tables", "\(database.user) lacks \(lacked.joined(separator: "; "))", next: "Grant it")
        }
        let names = Schema.privileges.map(\.table).filter { !missing.contains($0) }
        let made = missing.isEmpty ? nil : "will be made: \(missing.joined(separator: ", "))"
        let there = names.isEmpty ? nil : "there: \(names.joined(separator: ", "))"
        return .works("tables", [there, made].compactMap(\.self).joined(separator: "; "))
    }

    private func refusal(_ error: PostgresError) -> Finding {
        switch error.sqlState {
        case SQLState.datatypeMismatch, SQLState.insufficientPrivilege: .misconfigured("tables", error.message)
        default: .unavailable("tables", "\(error)", next: "See the server's log")
        }
    }
}
