import FoundationEssentials

/// Where TimescaleDB is and how to reach it: the same variables for every service that needs it.
package struct DatabaseSettings: Sendable {
    package let host: String
    package let port: Int
    package let database: String
    package let user: String
    package let password: String?
    package let sslMode: String
    package let sslRootCertificate: String?

    package init(in environment: Environment) throws(ConfigurationError) {
        host = try Self.host.value(in: environment)
        port = try Self.port.value(in: environment)
        database = try Self.database.value(in: environment)
        user = try Self.user.value(in: environment)
        password = try Self.password.optional(in: environment)
        sslMode = try Self.sslMode.value(in: environment)
        sslRootCertificate = try Self.sslRootCertificate.optional(in: environment)
    }

    static let host = Setting.text(
        "TIMESCALEDB_HOST", default: "localhost", "Host name, address, or absolute path of a socket's folder.")
    static let port = Setting.integer("TIMESCALEDB_PORT", default: "5432", in: 1...65_535, "Port of the database.")
    static let database = Setting.text("TIMESCALEDB_DBNAME", default: "coin", "Name of the database.")
    static let user = Setting.text("TIMESCALEDB_USER", default: "postgres", "Role to connect as.")
    static let password = Setting.text("TIMESCALEDB_PASSWORD", "Password of the role.", isSecret: true)
    static let sslMode = Setting<String>(
        "TIMESCALEDB_SSLMODE",
        "TLS as libpq means it. Unset: verify-full, but prefer for a server on this machine.",
        unset: defaultMode,
        expected: "one of \(sslModes.joined(separator: ", "))"
    ) { sslModes.contains($0) ? $0 : nil }
    static let sslRootCertificate = Setting.text(
        "TIMESCALEDB_SSLROOTCERT",
        "PEM file of the authorities to trust when the certificate is verified. Unset: the system's.",
        unset: { environment in
            let mode = try? sslMode.value(in: environment)
            return mode?.hasPrefix("verify") == true ? systemCertificates : nil
        })

    /// Off this machine a server has to prove who it is; on it there is nobody in between.
    @Sendable
    private static func defaultMode(_ environment: Environment) -> String? {
        let host = try? host.value(in: environment)
        return host.map(isLoopback) == true ? "prefer" : "verify-full"
    }

    private static let sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

    /// Debian's bundle; libpq before 16 does not find the system's authorities by itself.
    private static let systemCertificates: String? = {
        let path = "/etc/ssl/certs/ca-certificates.crt"
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()

    /// What a check says of a database that lets nobody in. libpq has no code for why.
    package static func unreachable(_ place: String, _ reason: String) -> Finding {
        .unavailable(
            "database", "\(place): \(reason)",
            next: "Start it, or see TIMESCALEDB_HOST, _PORT, _DBNAME, _USER, _PASSWORD and _SSLMODE")
    }

    package static let descriptions = [
        host.description, port.description, database.description, user.description, password.description,
        sslMode.description, sslRootCertificate.description,
    ]
}

/// True for a Unix socket and for names and addresses that never leave this machine.
private func isLoopback(_ host: String) -> Bool {
    if host.hasPrefix("127.") { return host.allSatisfy { $0 == "." || $0.isNumber } }  // 127.example.com is a name
    return host.hasPrefix("/") || host == "localhost" || host == "::1"
}
