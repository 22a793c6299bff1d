import TestSupport
import Testing

@testable import Runtime

@Suite("A secret")
struct SecretTests {
    @Test("Its own variable wins over every file")
    func variable() throws {
        let environment = Environment(["KEY": "own", "KEY_FILE": "/nowhere", "CREDENTIALS_DIRECTORY": "/nowhere"])
        #expect(try environment.secret("KEY") == "own")
    }

    @Test(
        "It can come from the file that NAME_FILE names; one line end at its end does not count",
        arguments: [
            ("s3cret", "s3cret"), ("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), ("s3cret\n\n", "s3cret\n"),
            (" s3cret ", " s3cret "),
        ])
    func file(_ content: String, _ secret: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(content)
        #expect(try Environment(["KEY_FILE": path]).secret("KEY") == secret)
    }

    @Test("It can come from systemd's credentials, after NAME_FILE")
    func credentials() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("from systemd\n", to: "KEY")
        let named = try folder.write("from the file", to: "other")
        #expect(try Environment(["CREDENTIALS_DIRECTORY": folder.path]).secret("KEY") == "from systemd")
        let both = Environment(["CREDENTIALS_DIRECTORY": folder.path, "KEY_FILE": named])
        #expect(try both.secret("KEY") == "from the file")
        #expect(try Environment(["CREDENTIALS_DIRECTORY": folder.path]).secret("ANOTHER") == nil)
    }

    @Test("It is absent when nothing gives it")
    func absent() throws {
        #expect(try Environment([:]).secret("KEY") == nil)
    }

    @Test("A file that cannot be read is an error that names the variable and the path")
    func unreadable() throws {
        let folder = try TemporaryFolder()
        for path in ["/nowhere/key", folder.path] {
            let error = try #require(throws: ConfigurationError.self) {
                try Environment(["KEY_FILE": path]).secret("KEY")
            }
            #expect(error.description == "KEY_FILE: cannot read \(path)")
        }
    }

    @Test("A setting that is secret is read like one, and its value is in no error")
    func setting() throws {
        let setting = Setting<Int>("PIN", "A number.", isSecret: true, expected: "a whole number") { Int($0) }
        let folder = try TemporaryFolder()
        let good = try folder.write("1234\n")
        #expect(try setting.value(in: Environment(["PIN_FILE": good])) == 1234)
        let bad = try folder.write("hunter2\n")
        for environment in [Environment(["PIN_FILE": bad]), Environment(["PIN": "hunter2"])] {
            let error = try #require(throws: ConfigurationError.self) { try setting.value(in: environment) }
            #expect(error.description == "PIN: the given value is not a whole number")
        }
    }
}
