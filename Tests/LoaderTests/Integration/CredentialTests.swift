import Foundation
import Runtime
import TestSupport
import Testing

@testable import Loader

@Suite("Credentials against a server that checks them", .timeLimit(.minutes(5)))
struct CredentialTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static var strict: FakeBigQuery.Options {
        var options = FakeBigQuery.Options()
        options.authentication = true
        return options
    }

    enum Kind: CaseIterable { case serviceAccount, authorizedUser, metadataServer }

    private func use(_ kind: Kind, in rig: inout LoadRig) throws {
        rig.variables["BIGQUERY_EMULATOR_HOST"] = nil
        rig.variables["BIGQUERY_PROJECT"] = nil
        rig.variables["BIGQUERY_ENDPOINT"] = "http://\(rig.fake.host)"
        let path = "\(folder.path)/key.json"
        switch kind {
        case .serviceAccount: try rig.fake.writeServiceAccount(to: path)
        case .authorizedUser: try rig.fake.writeAuthorizedUser(to: path)
        case .metadataServer:
            rig.variables["GCE_METADATA_HOST"] = rig.fake.host
            return
        }
        rig.variables["GOOGLE_APPLICATION_CREDENTIALS"] = path
    }

    @Test("Each kind of credentials gets a token, and the project with it, and loads an hour", arguments: Kind.allCases)
    func kinds(kind: Kind) async throws {
        try await LoadRig.with(Self.strict) { rig in
            try use(kind, in: &rig)
            try await rig.addTrades(300)
            #expect(try await rig.load().rows == 304)
            #expect(try await rig.finalRows() == rig.sourceRows())
            #expect(rig.requests(kind == .metadataServer ? .metadata : .token) <= 2)
        }
    }

    @Test("A token that is refused in mid-load is replaced, and the hour is exact")
    func expired() async throws {
        try await LoadRig.with(Self.strict) { rig in
            try use(.serviceAccount, in: &rig)
            try await rig.addTrades(300)
            let unauthorized = Fault.refused(GoogleError(401, "authError", "Request had invalid credentials."))
            rig.fake.inject(unauthorized, on: .insertAll)
            #expect(try await rig.load().rows == 304)
            #expect(try await rig.finalRows() == rig.sourceRows())
            #expect(rig.requests(.token) == 2)
        }
    }

    @Test("A token endpoint that is away for a moment is waited for")
    func tokenOutage() async throws {
        try await LoadRig.with(Self.strict) { rig in
            try use(.authorizedUser, in: &rig)
            rig.fake.inject(.unavailable, on: .token, times: 2)
            #expect(try await rig.load().rows == 0)
        }
    }

    @Test("A key that is not accepted ends the run with a hint, at once")
    func refusedKey() async throws {
        try await LoadRig.with(Self.strict) { rig in
            try use(.serviceAccount, in: &rig)
            let path = try #require(rig.variables["GOOGLE_APPLICATION_CREDENTIALS"])
            var file = try String(contentsOfFile: path, encoding: .utf8)
            let key = try TestKey()
            var object = try #require(
                try JSONSerialization.jsonObject(with: Data(file.utf8)) as? [String: Any])
            object["private_key"] = key.pem
            file = String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
            try Data(file.utf8).write(to: URL(filePath: path))
            let error = try #require(await rig.failure() as? CredentialError)
            let text = error.description
            #expect(text.contains("invalid_grant") && text.contains("clock"))
            #expect(rig.requests(.token) == 1)
            #expect(failure(of: .failure(error), signal: nil)?.status == ExitStatus.configuration)
        }
    }
}
