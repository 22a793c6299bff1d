import Foundation
import Synchronization

/// Google's token endpoint and its metadata server: checks what a client shows, and issues tokens that
/// expire on the fake's clock.
final class TokenService: Sendable {
    private let key: RSAKey
    private let clock: FakeClock
    /// When each token that was issued expires, microseconds since 1970.
    private let tokens = Mutex<[String: Int64]>([:])
    private let lifetime: Duration

    static let keyID = "3f1c0a"
    static let email = "loader@fake.iam.gserviceaccount.com"
    static let clientID = "fake-client"
    static let clientSecret = "fake-secret"
    static let refreshToken = "fake-refresh"
    private static let googleAudience = "https://oauth2.googleapis.com/token"
    private static let scopes: Set = [
        "https://www.googleapis.com/auth/bigquery", "https://www.googleapis.com/auth/cloud-platform",
    ]

    init(clock: FakeClock, lifetime: Duration) throws {
        key = try RSAKey()
        self.clock = clock
        self.lifetime = lifetime
    }

    /// Throws 401 when the request does not carry a token that is still good.
    func check(_ request: HTTPRequest) throws(GoogleError) {
        let parts = (request.headers["authorization"] ?? "").split(separator: " ", maxSplits: 1)
        let expiry = parts.count == 2 && parts[0] == "Bearer" ? tokens.withLock { $0[String(parts[1])] } : nil
        guard let expiry, expiry > clock.now else {
            throw GoogleError(
                401, "authError", "Request had invalid authentication credentials. Expected OAuth 2 access token.",
                location: "Authorization")
        }
    }

    /// Makes every token invalid, as a revocation does.
    func revokeAll() { tokens.withLock { $0 = [:] } }

    /// `POST /token`.
    func token(_ request: HTTPRequest) -> HTTPResponse {
        let form = HTTPRequest.form(String(decoding: request.body, as: UTF8.self))
        switch form["grant_type"] {
        case "urn:ietf:params:oauth:grant-type:jwt-bearer":
            let own = "http://\(request.headers["host"] ?? "")/token"
            if let problem = problem(with: form["assertion"] ?? "", audiences: [Self.googleAudience, own]) {
                return refusal("invalid_grant", problem)
            }
        case "refresh_token":
            guard form["client_id"] == Self.clientID, form["client_secret"] == Self.clientSecret else {
                return refusal("invalid_client", "The OAuth client was not found.", status: 401)
            }
            guard form["refresh_token"] == Self.refreshToken else { return refusal("invalid_grant", "Bad Request") }
        default:
            return refusal("unsupported_grant_type", "Invalid grant_type: \(form["grant_type"] ?? "")")
        }
        return HTTPResponse(issue())
    }

    /// `GET /computeMetadata/v1/…`.
    func metadata(_ request: HTTPRequest, project: String) -> HTTPResponse {
        let flavor = (name: "Metadata-Flavor", value: "Google")
        guard request.headers["metadata-flavor"] == "Google" else {
            return HTTPResponse(
                status: 403, headers: [flavor], body: Array("Missing Metadata-Flavor:Google header.".utf8))
        }
        var response: HTTPResponse
        switch request.path.dropFirst(2).joined(separator: "/") {
        case "instance/service-accounts/default/token": response = HTTPResponse(issue())
        case "project/project-id": response = HTTPResponse(status: 200, body: Array(project.utf8))
        default: response = HTTPResponse(status: 404, body: [])
        }
        response.headers.append(flavor)
        return response
    }

    private func issue() -> JSON {
        let token = "ya29.\(UUID().uuidString)"
        tokens.withLock { $0[token] = clock.now + lifetime.microseconds }
        return [
            "access_token": .string(token), "token_type": "Bearer",
            "expires_in": .number(String(lifetime.components.seconds)),
        ]
    }

    private func refusal(_ error: String, _ description: String, status: Int = 400) -> HTTPResponse {
        HTTPResponse(status: status, ["error": .string(error), "error_description": .string(description)])
    }

    /// What is wrong with a signed assertion (RFC 7523); nil when it is good.
    private func problem(with assertion: String, audiences: [String]) -> String? {
        let parts = assertion.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = json(parts[0]), let claims = json(parts[1]),
            let signature = base64URLDecoded(parts[2])
        else { return "Invalid JWT: it must be three parts of base64url" }
        guard header["alg"]?.text == "RS256", header["kid"]?.text == Self.keyID else {
            return "Invalid JWT: alg must be RS256 and kid a known key"
        }
        guard key.verifies(signature, of: Array("\(parts[0]).\(parts[1])".utf8)) else {
            return "Invalid JWT Signature."
        }
        return problem(withClaims: claims, audiences: audiences)
    }

    private func problem(withClaims claims: JSON, audiences: [String]) -> String? {
        guard claims["iss"]?.text == Self.email else { return "Invalid issuer: Not found" }
        guard let audience = claims["aud"]?.text, audiences.contains(audience) else { return "Invalid JWT: wrong aud" }
        let scopes = (claims["scope"]?.text ?? "").split(separator: " ").map(String.init)
        guard !Self.scopes.isDisjoint(with: scopes) else { return "Invalid scope" }
        let now = clock.now / 1_000_000
        let skewSeconds: Int64 = 300
        guard let issued = claims["iat"]?.integer, let expires = claims["exp"]?.integer, issued <= now + skewSeconds,
            expires > now - skewSeconds, (1...3_600).contains(expires - issued)
        else {
            return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
        }
        return nil
    }

    private func json(_ part: Substring) -> JSON? { base64URLDecoded(part).flatMap { try? JSON($0) } }
}

extension TokenService {
    /// The contents of a service account's key file.
    func serviceAccount(project: String, tokenURI: String) throws -> JSON {
        [
            "type": "service_account", "project_id": .string(project), "private_key_id": .string(Self.keyID),
            "private_key": .string(try key.privatePEM()), "client_email": .string(Self.email),
            "client_id": "100000000000000000000", "token_uri": .string(tokenURI),
        ]
    }

    /// The contents of gcloud's file of application default credentials.
    func authorizedUser(project: String, tokenURI: String) -> JSON {
        [
            "type": "authorized_user", "client_id": .string(Self.clientID), "client_secret": .string(Self.clientSecret),
            "refresh_token": .string(Self.refreshToken), "quota_project_id": .string(project),
            "token_uri": .string(tokenURI),
        ]
    }
}

/// RFC 4648, section 5, without padding.
private func base64URLDecoded(_ text: Substring) -> [UInt8]? {
    guard !text.contains("="), !text.contains("+"), !text.contains("/") else { return nil }
    let standard = text.replacing("-", with: "+").replacing("_", with: "/")
    let padding = String(repeating: "=", count: (4 - standard.count % 4) % 4)
    return Data(base64Encoded: standard + padding).map { Array($0) }
}
