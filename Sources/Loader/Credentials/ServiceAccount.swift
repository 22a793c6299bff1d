import FoundationEssentials

/// A service account's key, which signs requests for access tokens (RFC 7523).
struct ServiceAccount: Sendable {
    let email: String
    let keyID: String
    let tokenURI: String
    private let privateKeyPEM: String

    static let scope = "https://www.googleapis.com/auth/bigquery"

    /// Nil when the PEM text is not an RSA key.
    init?(email: String, keyID: String, tokenURI: String, privateKeyPEM: String) {
        guard RSAKey(pem: privateKeyPEM) != nil else { return nil }
        self.email = email
        self.keyID = keyID
        self.tokenURI = tokenURI
        self.privateKeyPEM = privateKeyPEM
    }

    /// The signed assertion: `header.claims.signature`, each base64url.
    func assertion(at now: Date) throws -> String {
        struct Header: Encodable {
            let alg = "RS256"
            let typ = "JWT"
            let kid: String
        }
        struct Claims: Encodable {
            let iss: String
            let aud: String
            let scope: String
            let iat: Int
            let exp: Int
        }
        let second = Int(now.timeIntervalSince1970)
        let claims = Claims(iss: email, aud: tokenURI, scope: Self.scope, iat: second, exp: second + 3_600)
        let encoder = JSONEncoder()
        let message =
            try "\(base64URL(encoder.encode(Header(kid: keyID)))).\(base64URL(encoder.encode(claims)))"
        guard let signature = RSAKey(pem: privateKeyPEM)?.signSHA256(Array(message.utf8)) else {
            throw CredentialError("the private key of \(email) cannot sign")
        }
        return "\(message).\(base64URL(Data(signature)))"
    }
}

/// RFC 4648, section 5, without padding.
func base64URL(_ data: Data) -> String {
    String(
        data.base64EncodedString().compactMap { character -> Character? in
            switch character {
            case "+": "-"
            case "/": "_"
            case "=": nil
            default: character
            }
        })
}
