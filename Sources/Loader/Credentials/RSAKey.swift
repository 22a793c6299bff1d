import COpenSSL

/// An RSA private key that can sign. It owns its `EVP_PKEY`: `init` reads it, `deinit` frees it.
struct RSAKey: ~Copyable {
    private let key: OpaquePointer

    /// Reads a PEM text as Google's key files have it (PKCS#8, or the older PKCS#1); nil for anything else.
    ///
    /// The corresponding C function is `PEM_read_bio_PrivateKey`.
    init?(pem: String) {
        var pem = pem
        let key = pem.withUTF8 { bytes -> OpaquePointer? in
            guard let bio = BIO_new_mem_buf(bytes.baseAddress, CInt(bytes.count)) else { return nil }
            defer { BIO_free(bio) }
            return PEM_read_bio_PrivateKey(bio, nil, refusePassphrase, nil)
        }
        ERR_clear_error()
        guard let key else { return nil }
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA else {
            EVP_PKEY_free(key)
            return nil
        }
        self.key = key
    }

    deinit { EVP_PKEY_free(key) }

    /// RSASSA-PKCS1-v1_5 over SHA-256, which JSON Web Signatures call RS256; nil when libcrypto fails.
    ///
    /// The corresponding C function is `EVP_DigestSign`.
    func signSHA256(_ message: [UInt8]) -> [UInt8]? {
        guard let context = EVP_MD_CTX_new() else { return nil }
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        var count = 0
        guard EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1,
            EVP_DigestSign(context, nil, &count, message, message.count) == 1
        else { return nil }
        var signature = [UInt8](repeating: 0, count: count)
        guard EVP_DigestSign(context, &signature, &count, message, message.count) == 1 else { return nil }
        return Array(signature.prefix(count))
    }
}

/// Called for an encrypted key: without it libcrypto asks on the terminal, and a service hangs.
private func refusePassphrase(
    buf: UnsafeMutablePointer<CChar>?, size: CInt, rwflag: CInt, u: UnsafeMutableRawPointer?
) -> CInt { -1 }
