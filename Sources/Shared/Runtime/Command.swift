import FoundationEssentials
import Glibc
package import Logging

/// The version that `--version` prints.
package let version = "0.1.0"

/// Runs the body of a service's command and ends the process with the exit code of what it throws, after one
/// line on standard error that says what happened, in the format of its log.
func exiting(_ service: String, _ file: SettingsFile, _ body: (Environment) async throws -> Void) async throws {
    var format = LogFormat.text
    do {
        let environment = try file.environment()
        format = LogFormat(environment)
        try await body(environment)
    } catch let error as ConfigurationError {
        end(ExitStatus.configuration, format.line(ofFailure: "\(error)", service: service, at: .now))
    } catch let failure as Failure {
        end(failure.status, format.line(ofFailure: failure.description, service: service, at: .now))
    }
}

private func end(_ status: Int32, _ line: String) -> Never {
    write(toStandardError: line)
    exit(status)
}

/// The logger of a service, at the level that the settings ask for.
package func makeLogger(_ label: String, _ environment: Environment) throws(ConfigurationError) -> Logger {
    let level = try logLevelSetting.value(in: environment)
    let format = try logFormatSetting.value(in: environment)
    return Logger(label: label) { LineLogHandler(label: $0, level: level, format: format) }
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
