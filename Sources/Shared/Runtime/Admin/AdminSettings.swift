/// Where a service answers questions about itself.
package struct AdminSettings: Sendable {
    package let address: String
    /// nil when nobody is to ask.
    package let port: Int?
    /// Somebody has named the place, and so relies on it.
    package private(set) var isChosen: Bool

    /// - Parameter defaultPort: each service has one of its own, so that all three can run on one machine.
    package init(in environment: Environment, defaultPort: Int) throws(ConfigurationError) {
        address = try Self.address.value(in: environment)
        let port = try Self.port(defaultPort).value(in: environment)
        self.port = port == 0 ? nil : port
        isChosen = Self.descriptions(defaultPort: defaultPort).contains { environment[$0.name] != nil }
    }

    /// The same place, when nobody else has it: nobody relies on finding this process there.
    package var unlessTaken: AdminSettings {
        var copy = self
        copy.isChosen = false
        return copy
    }

    private static let address = Setting.text(
        "ADMIN_ADDRESS", default: "127.0.0.1",
        "Address of the port for /metrics, /healthz and /readyz. It asks nobody who they are: keep it off the internet."
    )

    private static func port(_ defaultPort: Int) -> Setting<Int> {
        .integer(
            "ADMIN_PORT", default: "\(defaultPort)", in: 0...65_535,
            "That port; 0 is none. When it is taken the start fails if it was set here, and is warned about otherwise.")
    }

    package static func descriptions(defaultPort: Int) -> [SettingDescription] {
        [address.description, port(defaultPort).description]
    }
}
