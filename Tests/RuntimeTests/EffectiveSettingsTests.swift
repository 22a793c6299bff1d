import TestSupport
import Testing

@testable import Runtime

@Suite("The settings in force")
struct EffectiveSettingsTests {
    private static let descriptions = [
        Setting.text("TEXT", default: "a text", "").description,
        Setting.duration("WAIT", default: "1s", in: .zero ... .seconds(9), "").description,
        Setting.text("UNSET", "").description,
        Setting.text("DERIVED", "", unset: { $0["HOME"] }).description,
        Setting.text("PASSWORD", "", isSecret: true).description,
        KafkaSettings.passThrough,
    ]

    private func lines(_ process: [String: String], file: [String: String] = [:]) -> [String] {
        effectiveSettings(Self.descriptions, in: Environment(process, file: file, named: "/etc/x.env"))
    }

    @Test("Each has its value, and where it comes from")
    func origins() {
        #expect(
            lines(["WAIT": "2s", "HOME": "/root"], file: ["TEXT": "b", "WAIT": "3s"]) == [
                "TEXT=b  # file /etc/x.env", "WAIT=2s  # environment", "#UNSET=  # not set", "DERIVED=/root  # default",
                "#PASSWORD=  # not set",
            ])
        #expect(lines([:]).first == #"TEXT="a text"  # default"#)
    }

    @Test("A secret is masked, wherever it comes from")
    func secrets() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("hunter2\n", to: "PASSWORD")
        for (process, origin) in [
            (["PASSWORD": "hunter2"], "environment"), (["PASSWORD_FILE": path], "file \(path)"),
            (["CREDENTIALS_DIRECTORY": folder.path], "credential \(path)"),
        ] {
            #expect(lines(process).contains("PASSWORD=********  # \(origin)"))
            #expect(!lines(process).joined().contains("hunter2"))
        }
        #expect(lines(["PASSWORD_FILE": "/nowhere"]).contains("#PASSWORD=  # PASSWORD_FILE: cannot read /nowhere"))
    }

    @Test("What passes through to librdkafka is among them; what may be a secret there is masked")
    func passedThrough() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("hunter2")
        let all = lines(
            [
                "KAFKA_LINGER_MS": "20", "KAFKA_SASL_PASSWORD": "hunter2", "KAFKA_SASL_USERNAME": "me",
                "KAFKA_SSL_KEY_PEM": "hunter2", "KAFKA_SASL_PASSWRD": "hunter2", "KAFKA_CLIENT_ID_FILE": path,
                "KAFKA_SSL_CA_LOCATION": "/ca.pem",
            ], file: ["compression.type": "zstd"])
        #expect(
            all.suffix(8) == [
                "KAFKA_CLIENT_ID=********  # file \(path), librdkafka's client.id",
                "KAFKA_LINGER_MS=20  # environment, librdkafka's linger.ms",
                "KAFKA_SASL_PASSWORD=********  # environment, librdkafka's sasl.password",
                "KAFKA_SASL_PASSWRD=********  # environment, librdkafka's sasl.passwrd",
                "KAFKA_SASL_USERNAME=me  # environment, librdkafka's sasl.username",
                "KAFKA_SSL_CA_LOCATION=/ca.pem  # environment, librdkafka's ssl.ca.location",
                "KAFKA_SSL_KEY_PEM=********  # environment, librdkafka's ssl.key.pem",
                "compression.type=zstd  # file /etc/x.env, librdkafka's compression.type",
            ])
    }

    @Test("Their lines are a .env file that says the same again")
    func roundTrip() {
        let given = ["TEXT": #"it's # "so""#, "WAIT": "2s", "DERIVED": "a # b"]
        let file = Environment.parse(file: lines(given).joined(separator: "\n"))
        #expect(file["WAIT"] == "2s" && file["DERIVED"] == "a # b")
        #expect(lines(["TEXT": "two\nlines"]).first == #"TEXT=two\nlines  # environment"#)
    }

    @Test("Every mistake is told at once")
    func mistakes() {
        struct Both: ServiceSettings {
            static let service = "test"
            static let descriptions = EffectiveSettingsTests.descriptions
            init(in environment: Environment) throws(ConfigurationError) {
                if environment["TEXT"] == "no" { throw ConfigurationError("TEXT: does not go with the rest") }
            }
            func checks() -> [Check] { [] }
            func verify() throws(ConfigurationError) { throw ConfigurationError("the library says no") }
        }
        func mistakes(_ variables: [String: String]) -> [String] {
            Both.mistakes(in: Environment(variables)).map(\.description)
        }
        #expect(mistakes(["WAIT": "x", "PASSWORD_FILE": "/nowhere", "TEXT": "no"]).count == 2)
        #expect(mistakes(["TEXT": "no"]) == ["TEXT: does not go with the rest"])
        #expect(mistakes([:]) == ["the library says no"])
    }
}
