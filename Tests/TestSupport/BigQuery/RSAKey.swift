import COpenSSL

/// A key pair made for one fake. It owns its `EVP_PKEY`.
///
/// `@unchecked`: an `EVP_PKEY` that nobody changes may be used by several threads (OpenSSL's manual,
/// "openssl-threads").
final class RSAKey: @unchecked Sendable {
    private let key: OpaquePointer

    init() throws {
        guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nil) else { throw SetupError("no RSA in OpenSSL") }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2_048) == 1,
            EVP_PKEY_keygen(context, &key) == 1, let key
        else { throw SetupError("OpenSSL made no RSA key") }
        self.key = key
    }

    deinit { EVP_PKEY_free(key) }

    /// The private key as a service account's file has it: PKCS #8 in PEM.
    func privatePEM() throws -> String {
        guard let memory = BIO_new(BIO_s_mem()) else { throw SetupError("out of memory") }
        defer { BIO_free(memory) }
        guard PEM_write_bio_PKCS8PrivateKey(memory, key, nil, nil, 0, nil, nil) == 1 else {
            throw SetupError("OpenSSL wrote no key")
        }
        var bytes = [UInt8](repeating: 0, count: 8_192)
        let count = BIO_read(memory, &bytes, Int32(bytes.count))
        return String(decoding: bytes.prefix(Int(max(0, count))), as: UTF8.self)
    }

    /// True when `signature` is ours: RSASSA-PKCS1-v1_5 with SHA-256, as `RS256` means.
    func verifies(_ signature: [UInt8], of data: [UInt8]) -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        return EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1
            && EVP_DigestVerify(context, signature, signature.count, data, data.count) == 1
    }
}
