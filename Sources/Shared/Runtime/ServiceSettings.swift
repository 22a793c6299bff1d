/// Everything that one service can be told, read and checked at once.
package protocol ServiceSettings: Sendable {
    /// The name of the service, as its executable and its log lines have it.
    static var service: String { get }

    /// Every setting, in the order in which it is told.
    static var descriptions: [SettingDescription] { get }

    /// - Throws: the first mistake.
    init(in environment: Environment) throws(ConfigurationError)

    /// What only a library can tell of the values that it is given; connects to nothing.
    func verify() throws(ConfigurationError)

    /// What to look at before the service runs with these settings. Nothing is changed by it.
    func checks() -> [Check]
}

extension ServiceSettings {
    package func verify() throws(ConfigurationError) {}

    /// All that is wrong with the settings, each in one line: a person mends them together, and not one a start.
    package static func mistakes(in environment: Environment) -> [ConfigurationError] {
        let malformed = descriptions.compactMap { $0.mistake(environment) }
        guard malformed.isEmpty else { return malformed }
        // What several say together, and what they name.
        do throws(ConfigurationError) {
            try Self(in: environment).verify()
            return []
        } catch {
            return [error]
        }
    }
}
