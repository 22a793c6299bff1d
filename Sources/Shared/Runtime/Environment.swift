import FoundationEssentials

/// The process environment over a `.env` file: where every setting comes from.
///
/// Kept as a plain dictionary, since settings that pass through to librdkafka have to be enumerated.
package struct Environment: Sendable {
    private let process: [String: String]
    private let file: [String: String]
    private let fileName: String

    package init(_ process: [String: String], file: [String: String] = [:], named fileName: String = ".env") {
        self.process = process
        self.file = file
        self.fileName = fileName
    }

    /// The environment of this process, over the file at `path`.
    ///
    /// - Parameter path: nil is `.env` in the working folder, which may be missing; a file that was
    ///   asked for by name may not.
    package static func current(file path: String? = nil) throws(ConfigurationError) -> Environment {
        let process = ProcessInfo.processInfo.environment
        guard let data = try? Data(contentsOf: URL(filePath: path ?? ".env")) else {
            if let path { throw ConfigurationError("cannot read the settings file \(path)") }
            return Environment(process)
        }
        return Environment(
            process, file: parse(file: String(decoding: data, as: UTF8.self)), named: path ?? ".env")
    }

    /// Where a setting's text comes from.
    enum Origin: Equatable, Sendable, CustomStringConvertible {
        case environment
        /// The `.env` file of this name.
        case file(String)
        /// The file that `<name>_FILE` names.
        case secretFile(String)
        /// The file in systemd's `$CREDENTIALS_DIRECTORY`.
        case credential(String)

        var description: String {
            switch self {
            case .environment: "environment"
            case .file(let name): "file \(name)"
            case .secretFile(let path): "file \(path)"
            case .credential(let path): "credential \(path)"
            }
        }

        /// Who gives a value this way says that it is a secret.
        var isSecretFile: Bool {
            switch self {
            case .environment, .file: false
            case .secretFile, .credential: true
            }
        }
    }

    struct Found: Equatable, Sendable {
        let text: String
        let origin: Origin
    }

    /// A variable's text; an empty one counts as not set, as `FOO=` in a compose file means it.
    package subscript(name: String) -> String? { find(name)?.text }

    private func find(_ name: String) -> Found? {
        if let value = process[name], !value.isEmpty { return Found(text: value, origin: .environment) }
        if let value = file[name], !value.isEmpty { return Found(text: value, origin: .file(fileName)) }
        return nil
    }

    /// What a setting is given, and by whom.
    func find(_ name: String, isSecret: Bool) throws(ConfigurationError) -> Found? {
        if let found = find(name) { return found }
        guard isSecret, let (path, origin) = secretFile(name) else { return nil }
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw ConfigurationError("\(name)_FILE: cannot read \(path)")
        }
        var text = String(decoding: data, as: UTF8.self)
        // A Character: Windows' line end is one, and goes as a whole.
        if text.last?.isNewline == true { text.removeLast() }
        return Found(text: text, origin: origin)
    }

    /// All variables that are set, by name.
    package var names: Set<String> {
        Set(process.keys).union(file.keys).filter { self[$0] != nil }
    }

    /// The names of systemd's credentials, for settings that pass through and have to be enumerated.
    var credentials: [String] {
        guard let folder = self["CREDENTIALS_DIRECTORY"] else { return [] }
        return (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    /// A secret may also be given as a file: the one that `<name>_FILE` names, or the one called
    /// `<name>` in systemd's `$CREDENTIALS_DIRECTORY`. A line end at its end does not count.
    package func secret(_ name: String) throws(ConfigurationError) -> String? { try find(name, isSecret: true)?.text }

    private func secretFile(_ name: String) -> (path: String, origin: Origin)? {
        if let named = self["\(name)_FILE"] { return (named, .secretFile(named)) }
        guard let folder = self["CREDENTIALS_DIRECTORY"] else { return nil }
        let path = "\(folder)/\(name)"
        return FileManager.default.fileExists(atPath: path) ? (path, .credential(path)) : nil
    }

    /// Lines of `NAME=value`; `#` starts a comment line, `export ` is allowed, and quotes around a
    /// value are taken off, as shells and docker compose read such a file.
    static func parse(file text: String) -> [String: String] {
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            var line = Substring(line.trimmed)
            if line.hasPrefix("export ") { line = line.dropFirst(7) }
            guard !line.hasPrefix("#"), let equals = line.firstIndex(of: "=") else { continue }
            let rest = line[line.index(after: equals)...]
            var value = Substring(rest.trimmed)
            if let quote = value.first, quote == "\"" || quote == "'" {
                if let end = value.dropFirst().firstIndex(of: quote) {
                    value = value[value.index(after: value.startIndex)..<end]
                }
            } else if let comment = zip(rest.indices, rest.indices.dropFirst()).first(where: { before, mark in
                rest[mark] == "#" && rest[before].isWhitespace
            }) {
                value = Substring(rest[..<comment.0].trimmed)
            }
            values[line[..<equals].trimmed] = String(value)
        }
        return values
    }
}

extension StringProtocol {
    var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
