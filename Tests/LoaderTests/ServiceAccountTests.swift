import Foundation
import Testing

@testable import Loader

@Suite("Service accounts")
struct ServiceAccountTests {
    private func decoded(_ part: Substring) throws -> Data {
        let text = part.replacing("-", with: "+").replacing("_", with: "/")
        return try #require(Data(base64Encoded: text + String(repeating: "=", count: (4 - text.count % 4) % 4)))
    }

    @Test("The assertion is signed so that the public key verifies it, and says what Google asks for")
    func assertion() throws {
        let key = try TestKey()
        let account = try #require(
            ServiceAccount(
                email: "loader@p.iam.gserviceaccount.com", keyID: "kid1",
                tokenURI: "https://oauth2.googleapis.com/token", privateKeyPEM: key.pem))
        let assertion = try account.assertion(at: Date(timeIntervalSince1970: 1_767_250_800.7))
        let parts = assertion.split(separator: ".")
        try #require(parts.count == 3)
        #expect(!assertion.contains { "+/=".contains($0) })

        let message = Array("\(parts[0]).\(parts[1])".utf8)
        let signature = Array(try decoded(parts[2]))
        let isGood = key.verifies(signature, of: message)
        #expect(isGood)
        let isGoodForAnother = key.verifies(signature, of: message + [0])
        #expect(!isGoodForAnother)

        let header = try JSONSerialization.jsonObject(with: decoded(parts[0])) as? [String: String]
        #expect(header == ["alg": "RS256", "typ": "JWT", "kid": "kid1"])
        let claims = try #require(try JSONSerialization.jsonObject(with: decoded(parts[1])) as? [String: Any])
        #expect(claims["iss"] as? String == "loader@p.iam.gserviceaccount.com")
        #expect(claims["aud"] as? String == "https://oauth2.googleapis.com/token")
        #expect(claims["scope"] as? String == "https://www.googleapis.com/auth/bigquery")
        #expect(claims["iat"] as? Int == 1_767_250_800)
        #expect(claims["exp"] as? Int == 1_767_254_400)
    }

    @Test("What is not an RSA key is refused, and an encrypted one does not ask on the terminal")
    func badKeys() throws {
        let key = try TestKey()
        let begin = "-----BEGIN PRIVATE KEY-----"
        for pem in ["", "\(begin)\nAAAA\n-----END PRIVATE KEY-----\n", key.encryptedPEM] {
            let isRead = RSAKey(pem: pem) != nil
            #expect(!isRead)
        }
        let isRead = RSAKey(pem: key.pem) != nil
        #expect(isRead)
    }

    @Test("base64url has neither padding nor characters that mean something in a URL")
    func base64URLText() {
        #expect(base64URL(Data([0xFB, 0xFF, 0xFE])) == "-__-")
        #expect(base64URL(Data([0x66])) == "Zg")
    }
}
