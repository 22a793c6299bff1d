import Glibc
package import Logging

/// The version that `--version` prints.
package let version = "0.1.0"

/// Runs the body of a command and ends the process with the exit code of what it throws, after one
/// line on standard error that says what happened.
package func exiting(_ body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch let error as ConfigurationError {
        end(ExitStatus.configuration, "\(error)")
    } catch let failure as Failure {
        end(failure.status, failure.description)
    }
}

private func end(_ status: Int32, _ message: String) -> Never {
    var line = "error: \(message)\n"
    line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(status)
}

/// The logger of a service, at the level that the settings ask for.
package func makeLogger(_ label: String, _ environment: Environment) throws(ConfigurationError) -> Logger {
    let level = try logLevelSetting.value(in: environment)
    return Logger(label: label) { LineLogHandler(label: $0, level: level) }
}

/// A refusal of librdkafka as an error that names the variable the property came from; an empty property
/// is a refusal of several together.
package func configurationError(
    _ property: String, _ reason: String, _ given: [KafkaSettings.Property]
) -> ConfigurationError {
    guard !property.isEmpty else { return ConfigurationError("Kafka: librdkafka refuses the settings: \(reason)") }
    let variable = given.last { $0.name == property }?.variable ?? property
    return ConfigurationError("\(variable): librdkafka refuses it: \(reason)")
}
