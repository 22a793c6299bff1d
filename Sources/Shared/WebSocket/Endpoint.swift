/// Where to connect: the parts of a `ws`, `wss`, `http` or `https` URL.
package struct Endpoint: Equatable, Sendable, CustomStringConvertible {
    package let isSecure: Bool
    package let host: String
    package let port: UInt16
    /// With its query, and at least `/`.
    package let path: String

    /// nil for anything but an absolute URL of those schemes without a user name.
    package init?(_ url: String) {
        guard let separator = url.firstRange(of: "://") else { return nil }
        switch url[..<separator.lowerBound] {
        case "wss", "https": isSecure = true
        case "ws", "http": isSecure = false
        default: return nil
        }
        let rest = url[separator.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        let path = rest.dropFirst(authority.count)
        self.path = path.hasPrefix("/") ? String(path) : "/" + path

        // An IPv6 address stands in brackets: [::1]:8443
        let hostEnd =
            authority.hasPrefix("[")
            ? authority.firstIndex(of: "]").map { authority.index(after: $0) }
            : authority.firstIndex(of: ":")
        let host = authority[..<(hostEnd ?? authority.endIndex)]
        self.host = String(host.drop { $0 == "[" }.prefix { $0 != "]" })
        let port = authority[host.endIndex...]
        if port.isEmpty {
            self.port = isSecure ? 443 : 80
        } else {
            guard port.hasPrefix(":"), let number = UInt16(port.dropFirst()), number > 0 else { return nil }
            self.port = number
        }
        guard !self.host.isEmpty else { return nil }
    }

    /// What the `Host` header says: the port only when it is not the scheme's own.
    var hostHeader: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    package var description: String { "\(isSecure ? "tls" : "tcp")://\(hostHeader)\(path)" }
}
