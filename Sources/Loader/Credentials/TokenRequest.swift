import FoundationEssentials
import Logging

/// Gets access tokens for credentials, over HTTP.
struct TokenRequest: Sendable {
    let credentials: Credentials
    let transport: HTTPTransport
    let limits: RetryLimits
    let logger: Logger

    /// The source for ``AccessTokens``; nil when no token is needed.
    var fetch: (@Sendable () async throws -> AccessToken)? {
        if case .none = credentials { return nil }
        return { try await token() }
    }

    private func token() async throws -> AccessToken {
        var policy = RetryPolicy(limits)
        while true {
            do {
                return try read(try await send())
            } catch let error as BigQueryError {
                // 401 here is a refused key, not an old token: there is none to renew.
                guard case .wait(let duration) = policy.step(after: error) else { throw permanent(error) }
                logger.warning(
                    "no access token yet, trying again",
                    metadata: ["error.message": "\(error.message)", "retry.wait": "\(duration)"])
                try await Task.sleep(for: duration)
            }
        }
    }

    private func send() async throws -> HTTPAnswer {
        switch credentials {
        case .none:
            throw CredentialError("there are no credentials")
        case .serviceAccount(let account):
            return try await post(
                account.tokenURI,
                [
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    // Signed anew for every try: an assertion is good for a limited time.
                    ("assertion", try account.assertion(at: .now)),
                ])
        case .authorizedUser(let id, let secret, let token, let uri):
            return try await post(
                uri,
                [
                    ("grant_type", "refresh_token"), ("client_id", id), ("client_secret", secret),
                    ("refresh_token", token),
                ])
        case .metadataServer(let host):
            let path = "/computeMetadata/v1/instance/service-accounts/default/token"
            return try await transport.send(.get, "http://\(host)\(path)", headers: metadataHeaders)
        }
    }

    private func post(_ url: String, _ form: [(String, String)]) async throws -> HTTPAnswer {
        let body = form.map { "\($0.0)=\(formEncoded($0.1))" }.joined(separator: "&")
        return try await transport.send(
            .post, url, headers: [("Content-Type", "application/x-www-form-urlencoded")], body: Array(body.utf8))
    }

    private func read(_ answer: HTTPAnswer) throws -> AccessToken {
        struct Granted: Decodable {
            let access_token: String
            let expires_in: Double
        }
        guard answer.status == 200 else { throw BigQueryError(token: answer) }
        guard let granted = try? JSONDecoder().decode(Granted.self, from: answer.body) else {
            throw BigQueryError(status: nil, message: "the token endpoint's answer is not a token")
        }
        return AccessToken(text: granted.access_token, expiresAt: .now.addingTimeInterval(granted.expires_in))
    }

    private func permanent(_ error: BigQueryError) -> CredentialError {
        var text = "no access token: \(error.reason.map { "\($0): " } ?? "")\(error.message)"
        if error.reason == "invalid_grant" {
            text += ". Is this machine's clock right, and does the key still exist?"
        } else if case .metadataServer = credentials {
            text += ". Set GOOGLE_APPLICATION_CREDENTIALS to a key file unless this machine is at Google"
        }
        return CredentialError(text, mayPass: error.mayPass)
    }
}

let metadataHeaders = [("Metadata-Flavor", "Google")]

extension BigQueryError {
    /// `{"error":"invalid_grant","error_description":"…"}`, RFC 6749, section 5.2.
    fileprivate init(token answer: HTTPAnswer) {
        struct Refusal: Decodable {
            let error: String
            let error_description: String?
        }
        let refusal = try? JSONDecoder().decode(Refusal.self, from: answer.body)
        self.init(
            status: answer.status, reason: refusal?.error,
            message: refusal?.error_description ?? "the token endpoint answered \(answer.status)",
            retryAfter: answer.retryAfter)
    }
}

/// Percent-encoding of everything but the unreserved characters of RFC 3986.
private func formEncoded(_ text: String) -> String {
    let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
        if unreserved.contains(byte) {
            bytes.append(byte)
        } else {
            bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
