import TestSupport
import Testing

@testable import Runtime

@Suite("The environment")
struct EnvironmentTests {
    @Test("A .env file is read as shells and docker compose read it")
    func file() {
        let text = """
            # a comment
            PLAIN=value
              SPACED =  value with spaces\u{20}\u{20}
            export EXPORTED=yes
            DOUBLE="two words # not a comment" # a comment
            SINGLE='it is "so"'
            EQUALS=a=b=c
            COMMENTED=value # why
            TABBED=value\t# why
            HASH=value#1
            SECRET=#1
            NOTHING= # nothing is given
            EMPTY=
            OPEN="no end
            EMPTY_QUOTES=""
            no assignment
            #OFF=value
            KOREAN=비트코인
            sasl.username=me
            """
        #expect(
            Environment.parse(file: text) == [
                "PLAIN": "value", "SPACED": "value with spaces", "EXPORTED": "yes",
                "DOUBLE": "two words # not a comment", "SINGLE": "it is \"so\"", "EQUALS": "a=b=c",
                "COMMENTED": "value", "TABBED": "value", "HASH": "value#1", "SECRET": "#1", "NOTHING": "", "EMPTY": "",
                "OPEN": "\"no end", "EMPTY_QUOTES": "", "KOREAN": "비트코인", "sasl.username": "me",
            ])
    }

    @Test("Windows' line ends do not become part of a value")
    func windows() {
        #expect(Environment.parse(file: "A=1\r\nB=\"2\"\r\n\r\n#C=3\r\nD=4") == ["A": "1", "B": "2", "D": "4"])
    }

    @Test("The last of two lines with one name counts")
    func twice() {
        #expect(Environment.parse(file: "A=1\nA=2") == ["A": "2"])
    }

    @Test("The process's own environment wins over the file")
    func precedence() {
        let environment = Environment(["A": "process"], file: ["A": "file", "B": "file"])
        #expect(environment["A"] == "process" && environment["B"] == "file" && environment["C"] == nil)
        #expect(environment.names == ["A", "B"])
    }

    @Test("An empty variable counts as not set")
    func empty() {
        let environment = Environment(["A": "", "B": ""], file: ["A": "file", "C": ""])
        #expect(environment["A"] == "file" && environment["B"] == nil && environment["C"] == nil)
        #expect(environment.names == ["A"])
    }

    @Test("A file that was asked for by name must be there")
    func missingFile() throws {
        let path = "/nowhere/settings.env"
        let error = try #require(throws: ConfigurationError.self) { try Environment.current(file: path) }
        #expect(error.description == "cannot read the settings file /nowhere/settings.env")
    }

    @Test("A file that was asked for by name is read below the process's environment")
    func givenFile() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("RUNTIME_TESTS=file\nPATH=file\n", to: "settings.env")
        let environment = try Environment.current(file: path)
        #expect(environment["RUNTIME_TESTS"] == "file")
        #expect(environment["PATH"] != "file")
    }
}
