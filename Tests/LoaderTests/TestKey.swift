import COpenSSL
import Foundation

/// An RSA key made for one test, with its public half.
struct TestKey: ~Copyable {
    private let key: OpaquePointer

    struct Failure: Error {}

    init(bits: CInt = 2048) throws {
        guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nil) else { throw Failure() }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1,
            EVP_PKEY_generate(context, &key) == 1, let key
        else { throw Failure() }
        self.key = key
    }

    deinit { EVP_PKEY_free(key) }

    /// The private key, PKCS#8.
    var pem: String { text { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) } }

    /// The same, under a passphrase.
    var encryptedPEM: String {
        text { PEM_write_bio_PrivateKey($0, key, EVP_aes_256_cbc(), "secret", 6, nil, nil) }
    }

    /// Checks an RS256 signature with the public half.
    func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        return EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    private func text(_ write: (OpaquePointer) -> CInt) -> String {
        guard let bio = BIO_new(BIO_s_mem()) else { return "" }
        defer { BIO_free(bio) }
        _ = write(bio)
        var bytes = [UInt8](repeating: 0, count: 8_192)
        let count = BIO_read(bio, &bytes, CInt(bytes.count))
        return String(decoding: bytes.prefix(Int(max(0, count))), as: UTF8.self)
    }
}
