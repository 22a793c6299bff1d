import Foundation
import NIOHTTP1
import TestSupport
import Testing

@Suite struct BigQueryTokenTests {
    /// What a good assertion claims; tests change one thing.
    private func claims(_ changes: [String: JSON] = [:]) -> [String: JSON] {
        let now = Int(Date().timeIntervalSince1970)
        return [
            "iss": "loader@fake.iam.gserviceaccount.com", "aud": "https://oauth2.googleapis.com/token",
            "scope": "https://www.googleapis.com/auth/bigquery", "iat": .number("\(now)"),
            "exp": .number("\(now + 3_600)"),
        ].merging(changes) { $1 }
    }

    private static func start(_ name: String) async throws -> BigQueryClient {
        var options = FakeBigQuery.Options()
        options.authentication = true
        return try await BigQueryClient.start(name, options: options)
    }

    private func ask(_ client: BigQueryClient, _ form: [String: String]) async throws -> (status: Int, json: JSON) {
        let body = form.map { "\($0.key)=\($0.value.replacing("+", with: "%2B"))" }.joined(separator: "&")
        return try await client.send(
            .POST, "/token", body: Array(body.utf8), headers: [("Content-Type", "application/x-www-form-urlencoded")]
        ).parsed
    }

    private func ask(
        _ client: BigQueryClient, _ claims: [String: JSON], header changes: [String: JSON] = [:], spoil: Bool = false
    ) async throws -> (status: Int, json: JSON) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "jwt-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try client.fake.writeServiceAccount(to: "\(folder)/account.json")
        let account = try JSON(Array(try Data(contentsOf: URL(filePath: "\(folder)/account.json"))))
        let header: [String: JSON] = ["alg": "RS256", "typ": "JWT", "kid": account["private_key_id"] ?? .null]
        let signed = [header.merging(changes) { $1 }, claims].map { base64URL(Data(JSON.object($0).description.utf8)) }
            .joined(separator: ".")
        try Data((account["private_key"]?.text ?? "").utf8).write(to: URL(filePath: "\(folder)/key.pem"))
        try Data((spoil ? signed + "x" : signed).utf8).write(to: URL(filePath: "\(folder)/signed"))
        // Signed by another program than the one that verifies.
        try await ChildProcess.run(
            "/usr/bin/openssl",
            ["dgst", "-sha256", "-sign", "\(folder)/key.pem", "-out", "\(folder)/signature", "\(folder)/signed"])
        let signature = base64URL(try Data(contentsOf: URL(filePath: "\(folder)/signature")))
        return try await ask(
            client,
            ["grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "\(signed).\(signature)"])
    }

    @Test("Without a token there is no answer; with one there is until it expires")
    func expiry() async throws {
        var client = try await Self.start("expiry")
        let refused = try await client.get("datasets/d")
        #expect(refused.status == 401)
        #expect(refused.json["error"]?["status"] == "UNAUTHENTICATED")
        let answer = try await ask(client, claims())
        #expect(answer.status == 200)
        client.token = answer.json["access_token"]?.text
        #expect(try await client.get("datasets/d").status == 404)
        client.fake.clock.advance(by: .seconds(3_600))
        #expect(try await client.get("datasets/d").status == 401)
    }

    @Test("An assertion that is not exactly right is an invalid grant")
    func assertion() async throws {
        let client = try await Self.start("assertion")
        let now = Int(Date().timeIntervalSince1970)
        let wrong: [[String: JSON]] = [
            ["iss": "somebody@else"], ["aud": "https://example.com/token"], ["scope": "openid"],
            ["iat": .number("\(now + 3_000)"), "exp": .number("\(now + 6_000)")],
            ["iat": .number("\(now - 6_000)"), "exp": .number("\(now - 3_000)")],
            ["exp": .number("\(now + 7_200)")],
        ]
        for change in wrong {
            let answer = try await ask(client, claims(change))
            #expect(answer.status == 400, "\(change)")
            #expect(answer.json["error"] == "invalid_grant")
        }
        #expect(try await ask(client, claims(), header: ["kid": "unknown"]).status == 400)
        #expect(try await ask(client, claims(), header: ["alg": "none"]).status == 400)
        let spoiled = try await ask(client, claims(), spoil: true)
        #expect(spoiled.json["error_description"] == "Invalid JWT Signature.")
    }

    @Test("A refresh token gets a token, and a wrong one does not")
    func refresh() async throws {
        var client = try await Self.start("refresh")
        let path = FileManager.default.temporaryDirectory.appending(path: "user-\(UUID().uuidString).json").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try client.fake.writeAuthorizedUser(to: path)
        let user = try JSON(Array(try Data(contentsOf: URL(filePath: path))))
        var form = ["grant_type": "refresh_token"]
        for name in ["client_id", "client_secret", "refresh_token"] { form[name] = user[name]?.text }
        client.token = try await ask(client, form).json["access_token"]?.text
        #expect(try await client.get("datasets/d").status == 404)
        client.fake.revokeTokens()
        #expect(try await client.get("datasets/d").status == 401)
        form["refresh_token"] = "revoked"
        #expect(try await ask(client, form).json["error"] == "invalid_grant")
    }

    @Test("The metadata server answers only who names its flavor")
    func metadata() async throws {
        var client = try await Self.start("metadata")
        let path = "/computeMetadata/v1/instance/service-accounts/default/token"
        #expect(try await client.send(.GET, path).status == 403)
        let answer = try await client.send(.GET, path, headers: [("Metadata-Flavor", "Google")])
        #expect(answer.headers.first(name: "Metadata-Flavor") == "Google")
        client.token = try answer.parsed.json["access_token"]?.text
        #expect(try await client.get("datasets/d").status == 404)
        let project = try await client.send(
            .GET, "/computeMetadata/v1/project/project-id", headers: [("Metadata-Flavor", "Google")])
        #expect(String(decoding: project.body, as: UTF8.self) == "test-project")
    }
}

private func base64URL(_ data: Data) -> String {
    data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}
