import Foundation

/// A certificate authority for tests, made by the `openssl` command in a temporary folder.
///
/// The folder goes with the object, so keep it as long as a file of it is in use.
package final class TestAuthority: Sendable {
    /// A certificate and its key, as paths to PEM files.
    package struct Certificate: Sendable {
        package let certificatePath: String
        package let keyPath: String
    }

    /// Why `openssl` did not do what it was asked.
    package struct Failure: Error, CustomStringConvertible {
        package let arguments: [String]
        package let output: String

        package var description: String { "openssl \(arguments.joined(separator: " ")): \(output)" }
    }

    private let folder: URL

    package init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("test-authority-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try makeAuthority("authority")
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// What a client must trust.
    package var authorityPath: String { path("authority.pem") }

    /// A certificate for these names; each is a DNS name or an IP address.
    package func server(names: [String] = ["localhost", "127.0.0.1", "::1"]) throws -> Certificate {
        try issue(names: names, by: "authority", validity: ["-days", "2"])
    }

    /// What can be wrong with a certificate, so that a client has to refuse it.
    package enum Flaw: CaseIterable, Sendable {
        case expired
        /// It is for a host that nobody connects to.
        case otherHost
        /// Who issued it is an authority that no client knows.
        case unknownAuthority
    }

    package func server(with flaw: Flaw) throws -> Certificate {
        let names = ["localhost", "127.0.0.1", "::1"]
        switch flaw {
        case .expired:
            let past = ["-startdate", "20190101000000Z", "-enddate", "20200101000000Z"]
            return try issue(names: names, by: "authority", validity: past)
        case .otherHost:
            return try server(names: ["other.example"])
        case .unknownAuthority:
            let name = "unknown-\(UUID().uuidString)"
            try makeAuthority(name)
            return try issue(names: names, by: name, validity: ["-days", "2"])
        }
    }

    private func makeAuthority(_ name: String) throws {
        try openssl([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", path("\(name).key"), "-out", path("\(name).pem"), "-days", "2", "-subj",
            "/CN=Test \(name.prefix(20))",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        ])
    }

    /// `openssl ca`, the one command of OpenSSL 3.0 that takes a start and an end in the past.
    private func issue(names: [String], by authority: String, validity: [String]) throws -> Certificate {
        let name = UUID().uuidString
        try openssl([
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", path("\(name).key"), "-out", path("\(name).csr"), "-subj", "/CN=\(names.first ?? "none")",
        ])
        let alternatives = names.map { $0.isAddress ? "IP:\($0)" : "DNS:\($0)" }.joined(separator: ",")
        try Data().write(to: folder.appendingPathComponent("\(name).index"))
        try Data(configuration(database: path("\(name).index"), alternatives: alternatives).utf8)
            .write(to: folder.appendingPathComponent("\(name).conf"))
        try openssl(
            [
                "ca", "-batch", "-notext", "-config", path("\(name).conf"), "-outdir", folder.path,
                "-cert", path("\(authority).pem"), "-keyfile", path("\(authority).key"),
                "-in", path("\(name).csr"), "-out", path("\(name).pem"),
            ] + validity)
        return Certificate(certificatePath: path("\(name).pem"), keyPath: path("\(name).key"))
    }

    private func configuration(database: String, alternatives: String) -> String {
        """
        [ca]
        default_ca = test
        [test]
        database = \(database)
        default_md = sha256
        policy = policy
        x509_extensions = server
        unique_subject = no
        rand_serial = yes
        [policy]
        commonName = supplied
        [server]
        basicConstraints = critical,CA:FALSE
        keyUsage = critical,digitalSignature
        extendedKeyUsage = serverAuth
        subjectAltName = \(alternatives)

        """
    }

    private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    private func openssl(_ arguments: [String]) throws {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(arguments: arguments, output: String(decoding: text, as: UTF8.self))
        }
    }
}

extension String {
    fileprivate var isAddress: Bool {
        contains(":") || allSatisfy { $0 == "." || $0.isASCII && $0.isNumber }
    }
}
