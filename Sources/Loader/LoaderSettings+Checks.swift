import AsyncHTTPClient
import FoundationEssentials
import Logging
import Postgres
import Runtime

extension LoaderSettings {
    func checks() -> [Check] {
        [
            Check("database", at: "\(postgres)") { limit in
                let thread = DedicatedThread(name: "database")
                return await (try? thread.run { databaseFindings(within: limit) }) ?? []
            },
            Check("BigQuery", at: endpoint) { limit in await warehouseFindings(within: limit) },
        ]
    }

    // MARK: - Database

    /// What the loader does with each table of the consumer's, and with its own.
    static let privileges = [
        (table: "trade_data", privileges: ["SELECT"]), (table: "kafka_offsets", privileges: ["SELECT"]),
        (table: "gaps", privileges: ["SELECT"]), (table: "completeness", privileges: ["SELECT"]),
        (table: "warehouse_loads", privileges: ["SELECT", "INSERT", "UPDATE", "DELETE"]),
        (table: "warehouse_rejects", privileges: ["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ]

    private func databaseFindings(within limit: Duration) -> [Finding] {
        var configuration = postgres
        configuration.answerTimeout = limit
        var findings: [Finding] = []
        do throws(PostgresError) {
            let connection = try PostgresConnection(configuration)
            let server = try connection.server()
            findings.append(.works("database", "\(postgres): \(server)"))
            findings.append(contentsOf: clockFinding(server))
            findings.append(try tablesFinding(connection))
        } catch {
            findings.append(
                findings.isEmpty
                    ? DatabaseSettings.unreachable("\(postgres)", "\(error)")
                    : .unavailable("tables", "\(error)", next: "See the server's log"))
        }
        return findings
    }

    /// Which hour is over goes by this machine's clock, what is in it by others'.
    private func clockFinding(_ server: PostgresServer) -> [Finding] {
        let difference = Int(Date.now.timeIntervalSince1970 - server.seconds)
        guard abs(difference) > 5 else { return [] }
        return [
            .note(
                "clock", "\(abs(difference)) s \(difference > 0 ? "ahead of" : "behind") the database's",
                next: "Run an NTP client on both")
        ]
    }

    private func tablesFinding(_ connection: borrowing PostgresConnection) throws(PostgresError) -> Finding {
        guard try !connection.lacksRelation("trade_data") else {
            return .misconfigured(
                "tables", "there is no trade_data in \(database.database)",
                next: "The consumer creates it; is TIMESCALEDB_DBNAME right?")
        }
        var missing: [String] = []
        var lacked: [String] = []
        for (table, privileges) in Self.privileges {
            if try connection.lacksRelation(table) {
                missing.append(table)
            } else {
                let names = try connection.lackedPrivileges(of: privileges, on: table)
                if !names.isEmpty { lacked.append("\(names.joined(separator: ", ")) on \(table)") }
            }
        }
        let own = LedgerEntry.schema.map(\.name).filter(missing.contains)
        if !own.isEmpty, try !mayCreate(connection) { lacked.append("CREATE, for \(own.joined(separator: " and "))") }
        guard lacked.isEmpty else {
            return .misconfigured(
                "tables", "\(database.user) lacks \(lacked.joined(separator: "; "))", next: "Grant it")
        }
        return own.isEmpty
            ? .works("tables", "trade_data, \(LedgerEntry.schema.map(\.name).joined(separator: ", "))")
            : .works("tables", "trade_data; will be made: \(own.joined(separator: ", "))")
    }

    private func mayCreate(_ connection: borrowing PostgresConnection) throws(PostgresError) -> Bool {
        try connection.query(
            "SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)::int"
        ).integer(0, 0) == 1
    }

    // MARK: - BigQuery

    private func warehouseFindings(within limit: Duration) async -> [Finding] {
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: makeHTTPConfiguration())
        let findings = await warehouseFindings(HTTPTransport(client: client, deadline: limit), within: limit)
        try? await client.shutdown()
        return findings
    }

    private func warehouseFindings(_ transport: HTTPTransport, within limit: Duration) async -> [Finding] {
        let silent = Logger(label: Self.service) { _ in SwiftLogNoOpLogHandler() }
        var findings: [Finding] = []
        do {
            let warehouse = try await BigQuery(self, transport, limits: .once, logger: silent)
            let token = try await warehouse.tokens.current()
            findings.append(
                .works("Google account", token == nil ? "none, as for an emulator" : "\(credentials.credentials)"))
            let missing = try await warehouse.missingNames()
            let isFinalMissing = missing.contains(warehouse.target.table)
            findings.append(
                finding(
                    of: warehouse.target, missing: missing,
                    lostHours: isFinalMissing ? await publishedHours(of: warehouse.target, within: limit) : 0))
        } catch {
            findings.append(failure(error))
        }
        return findings
    }

    /// How many hours with rows the ledger believes to be in the final table; 0 also while nobody can tell.
    private func publishedHours(of target: BigQuery.Target, within limit: Duration) async -> Int {
        let count = try? await DedicatedThread(name: "ledger").run {
            var configuration = postgres
            configuration.answerTimeout = limit
            return try Ledger.publishedHours(of: target.name, PostgresConnection(configuration))
        }
        return count ?? 0
    }

    private func finding(of target: BigQuery.Target, missing: [String], lostHours: Int) -> Finding {
        guard !missing.isEmpty else { return .works("BigQuery", "\(target.name) and \(target.stagingTable)") }
        let names = missing.joined(separator: ", ")
        if createsMissing, lostHours > 0 {
            return .note(
                "BigQuery",
                "\(target.name) is missing: \(lostHours == 1 ? "1 hour" : "\(lostHours) hours")"
                    + " of it in warehouse_loads",
                next: "A run makes it and loads them again, or ends with 78 when trade_data has not all their rows;"
                    + " then restore it, or give up what is lost with --replace")
        }
        return createsMissing
            ? .works("BigQuery", "\(target.name) will be made: \(names)")
            : .misconfigured("BigQuery", "missing: \(names)", next: "Create them, or set BIGQUERY_CREATE=true")
    }

    private func failure(_ error: any Error) -> Finding {
        switch error {
        case let error as BigQueryError where error.mayPass:
            .unavailable("BigQuery", "\(endpoint): \(error)", next: "Check the network, or try again")
        case let error as CredentialError where error.mayPass:
            .unavailable("Google account", "\(error)", next: "Check the network, or try again")
        case let error as CredentialError: .misconfigured("Google account", "\(error)")
        default: .misconfigured("BigQuery", "\(error)")
        }
    }
}

extension Credentials: CustomStringConvertible {
    /// Who it is, and nothing that would do to be it.
    var description: String {
        switch self {
        case .none: "none"
        case .serviceAccount(let account): "service account \(account.email)"
        case .authorizedUser: "an authorized user"
        case .metadataServer(let host): "the account of this machine, from \(host)"
        }
    }
}
