import Foundation
import Postgres
import Runtime
import TestSupport
import Testing

@testable import Loader

@Suite("Settings")
struct LoaderSettingsTests {
    private func settings(_ variables: [String: String]) throws -> LoaderSettings {
        try LoaderSettings(in: Environment(variables))
    }

    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("The defaults are those of the contract")
    func defaults() throws {
        let settings = try settings(["BIGQUERY_EMULATOR_HOST": "localhost:9050"])
        #expect(settings.database.host == "localhost" && settings.database.port == 5432)
        #expect(settings.database.database == "coin" && settings.database.user == "postgres")
        #expect(settings.dataset == "upbit" && settings.table == "trade_data" && settings.location == "US")
        #expect(settings.partitioning == "HOUR" && settings.createsMissing)
        #expect(settings.batchRows == 5_000 && settings.concurrency == 8 && settings.gzipsRows)
        #expect(settings.project == nil)
        #expect(settings.topic == "upbit_ticker" && settings.closeTimeout == .seconds(300))
        #expect(settings.lookbackHours == 48)
    }

    @Test("A silent server is given up after ten minutes, but not while another loader may hold the lock")
    func answerTimeout() throws {
        let limits = try ["1m", "1h"].map {
            try settings(["BIGQUERY_EMULATOR_HOST": "x", "LOADER_LOCK_TIMEOUT": $0]).postgres.answerTimeout
        }
        #expect(limits == [.seconds(600), .seconds(3_660)])
    }

    @Test("A part of an hour to look back is a whole one, since only whole hours are looked at")
    func lookback() throws {
        let hours = try ["60m", "61m", "24h"].map {
            try settings(["BIGQUERY_EMULATOR_HOST": "x", "LOADER_LOOKBACK": $0]).lookbackHours
        }
        #expect(hours == [1, 2, 24])
    }

    @Test(
        "A malformed value stops the program with variable, value and what was expected",
        arguments: [
            ("LOADER_BATCH_ROWS", "50001", "a whole number from 1 to 50000"),
            ("LOADER_CONCURRENCY", "many", "a whole number from 1 to 64"),
            ("BIGQUERY_PARTITIONING", "MONTH", "one of HOUR, DAY"),
            ("BIGQUERY_CREATE", "perhaps", "true or false"),
            ("BIGQUERY_TABLE", "a`; DROP TABLE x", "a name of letters, digits, underscores and dashes"),
            ("BIGQUERY_DATASET", "a.b", "a name of letters, digits and underscores"),
            ("BIGQUERY_PROJECT", "a/b", "a project id of letters, digits and dashes"),
            ("BIGQUERY_EMULATOR_HOST", "ftp://x", "a host and port, with or without http:// and a path"),
            ("TIMESCALEDB_PORT", "0", "a whole number from 1 to 65535"),
            ("TIMESCALEDB_SSLMODE", "maybe", "one of disable, allow, prefer, require, verify-ca, verify-full"),
        ])
    func malformed(name: String, value: String, expected: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            try settings(["BIGQUERY_EMULATOR_HOST": "localhost:9050"].merging([name: value]) { $1 })
        }
        #expect(error?.description == "\(name): '\(value)' is not \(expected)")
    }

    @Test(
        "An emulator is accepted with and without scheme and path, and needs no credentials",
        arguments: [
            "localhost:9050", "http://localhost:9050", "http://localhost:9050/", "http://localhost:9050/bigquery/v2",
            "localhost:9050/bigquery/v2/",
        ])
    func emulator(host: String) throws {
        let settings = try settings(["BIGQUERY_EMULATOR_HOST": host, "GOOGLE_APPLICATION_CREDENTIALS": "/missing"])
        #expect(settings.endpoint == "http://localhost:9050/bigquery/v2")
        guard case .none = settings.credentials.credentials else {
            Issue.record("credentials are used")
            return
        }
    }

    @Test("The project is the given one, then GOOGLE_CLOUD_PROJECT, then the one of the key file")
    func project() throws {
        let key = try TestKey()
        let json = try JSONSerialization.data(withJSONObject: [
            "type": "service_account", "project_id": "of-file", "client_email": "e", "private_key_id": "k",
            "private_key": key.pem,
        ])
        var variables = ["GOOGLE_APPLICATION_CREDENTIALS": try folder.write(String(decoding: json, as: UTF8.self))]
        #expect(try settings(variables).project == "of-file")
        #expect(try settings(variables).endpoint == "https://bigquery.googleapis.com/bigquery/v2")
        variables["GOOGLE_CLOUD_PROJECT"] = "of-cloud"
        #expect(try settings(variables).project == "of-cloud")
        variables["BIGQUERY_PROJECT"] = "given"
        #expect(try settings(variables).project == "given")
    }

    @Test("Without a file the metadata server is asked")
    func metadataServer() throws {
        let settings = try settings(["GCE_METADATA_HOST": "127.0.0.1:1", "HOME": "/nonexistent"])
        guard case .metadataServer("127.0.0.1:1") = settings.credentials.credentials else {
            Issue.record("\(settings.credentials)")
            return
        }
    }

    @Test("The metadata server that is asked unless another is named is the one that the help names")
    func metadataServerDefault() throws {
        let declared = try #require(LoaderSettings.descriptions.first { $0.name == "GCE_METADATA_HOST" }?.defaultText)
        guard case .metadataServer(declared) = try settings(["HOME": "/nonexistent"]).credentials.credentials else {
            Issue.record("not \(declared)")
            return
        }
    }

    @Test("gcloud's own file is found, and it is an authorized user")
    func gcloud() throws {
        let json = #"{"type":"authorized_user","client_id":"i","client_secret":"s","refresh_token":"r"}"#
        _ = try folder.write(json, to: "application_default_credentials.json")
        let settings = try settings(["CLOUDSDK_CONFIG": folder.path])
        guard case .authorizedUser("i", "s", "r", _) = settings.credentials.credentials else {
            Issue.record("not found")
            return
        }
    }

    @Test(
        "Credentials that cannot be used are named with what was expected, and no secret is shown",
        arguments: [
            (#"{"type":"external_account"}"#, "service_account or authorized_user is expected"),
            ("{}", "JSON with a type is expected"), ("not json", "JSON with a type is expected"),
            (
                #"{"type":"service_account","client_email":"e","private_key_id":"k","private_key":"hush"}"#,
                "client_email, private_key_id and an RSA private_key are expected"
            ),
            (
                #"{"type":"authorized_user","client_secret":"hush"}"#,
                "client_id, client_secret and refresh_token are expected"
            ),
        ])
    func badCredentials(json: String, expected: String) throws {
        let path = try folder.write(json)
        let error = #expect(throws: ConfigurationError.self) {
            try settings(["GOOGLE_APPLICATION_CREDENTIALS": path])
        }
        let text = try #require(error?.description)
        #expect(text.hasPrefix("GOOGLE_APPLICATION_CREDENTIALS: '\(path)'"))
        #expect(text.hasSuffix(expected))
        #expect(!text.contains("hush"))
    }

    @Test("A database off this machine has to prove who it is, unless told otherwise")
    func tls() throws {
        func mode(_ variables: [String: String]) throws -> String {
            try settings(["BIGQUERY_EMULATOR_HOST": "x"].merging(variables) { $1 }).database.sslMode
        }
        #expect(try mode([:]) == "prefer")
        #expect(try mode(["TIMESCALEDB_HOST": "/run/postgresql"]) == "prefer")
        #expect(try mode(["TIMESCALEDB_HOST": "127.0.0.2"]) == "prefer")
        #expect(try mode(["TIMESCALEDB_HOST": "db.example.com"]) == "verify-full")
        #expect(try mode(["TIMESCALEDB_HOST": "db.example.com", "TIMESCALEDB_SSLMODE": "disable"]) == "disable")
    }
}
