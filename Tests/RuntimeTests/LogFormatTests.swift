import Foundation
import Glibc
import Logging
import TestSupport
import Testing

@testable import Runtime

@Suite("The formats of a log line")
struct LogFormatTests {
    private let time = Date(timeIntervalSince1970: 1_767_243_600.000_25)

    private func line(
        _ format: LogFormat, _ message: String, _ metadata: Logger.Metadata? = nil, level: Logger.Level = .warning
    ) -> String {
        let event = LogEvent(
            level: level, message: "\(message)", error: nil, metadata: metadata, source: "Test", file: "",
            function: "", line: 0)
        return LineLogHandler(label: "consumer", level: .trace, format: format).line(of: event, at: time)
    }

    private struct Line: Decodable, Equatable {
        let time: String
        let level: String
        let logger: String
        let message: String
        var metadata: [String: String]?
    }

    @Test("JSON has time in UTC with microseconds, level, logger, message and metadata, in one line")
    func json() throws {
        #expect(
            line(.json, "written", ["rows": "7", "dead_letters": "0"])
                == #"{"time":"2026-01-01T05:00:00.000250Z","level":"warning","logger":"consumer","message":"written","#
                + #""metadata":{"dead_letters":"0","rows":"7"}}"# + "\n")
        #expect(line(.json, "x").hasSuffix(#""message":"x"}"# + "\n"))
    }

    @Test(
        "Whatever is in an event, a JSON parser reads the same from one line",
        arguments: [
            "", #"say "no" \ or / yes"#, "a\nb\r\nc\td", "\u{0}\u{8}\u{1B}[31m\u{7F}", "\u{85}\u{9B}\u{2028}\u{2029}",
            "비트코인 🚀 é", "e\u{301}", "\u{FFFD}\u{FFFF}", "{\"a\":1}",
        ])
    func anything(_ text: String) throws {
        let line = line(.json, text, [text: "\(text)"])
        #expect(line.hasSuffix("\n"))
        #expect(
            line.dropLast().unicodeScalars.allSatisfy {
                ![.control, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory)
            }, "\(line.debugDescription)")
        let read = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
        #expect(Array(read.message.unicodeScalars) == Array(text.unicodeScalars))
        #expect(read.metadata == [text: text])
    }

    @Test("Lists and dictionaries stay what they are")
    func nested() throws {
        struct Nested: Decodable {
            struct Metadata: Decodable {
                let list: [String]
                let map: [String: [String: String]]
            }
            let metadata: Metadata
        }
        let line = line(.json, "x", ["list": ["a", "b\n"], "map": ["k": ["x": .stringConvertible(1)]]])
        let read = try JSONDecoder().decode(Nested.self, from: Data(line.utf8)).metadata
        #expect(read.list == ["a", "b\n"] && read.map == ["k": ["x": "1"]])
    }

    @Test(
        "For the journal a line begins with its priority, and has no time: the journal adds its own",
        arguments: [
            (Logger.Level.trace, 7), (.debug, 7), (.info, 6), (.notice, 5), (.warning, 4), (.error, 3), (.critical, 2),
        ])
    func journal(level: Logger.Level, priority: Int) {
        #expect(line(.journal, "a\nb", ["rows": "7"], level: level) == "<\(priority)>a\\nb rows=7\n")
    }

    @Test("The last word of a service that fails has its log's format, too")
    func failure() throws {
        func said(_ format: LogFormat) -> String { format.line(ofFailure: "no", service: "loader", at: time) }
        #expect(said(.text) == "error: no\n")
        #expect(said(.journal) == "<3>no\n")
        #expect(
            try JSONDecoder().decode(Line.self, from: Data(said(.json).utf8))
                == Line(time: "2026-01-01T05:00:00.000250Z", level: "error", logger: "loader", message: "no"))
    }

    @Test("The journal is recognised by the stream that systemd names; another redirection is text")
    func detection() throws {
        let folder = try TemporaryFolder()
        let file = try FileHandle(forWritingTo: URL(filePath: try folder.write("")))
        var status = stat()
        try #require(fstat(file.fileDescriptor, &status) == 0)
        func found(_ stream: String?) -> Bool {
            isJournal(Environment(stream.map { ["JOURNAL_STREAM": $0] } ?? [:]), descriptor: file.fileDescriptor)
        }
        #expect(found("\(status.st_dev):\(status.st_ino)"))
        #expect(!found("\(status.st_dev):\(status.st_ino + 1)") && !found("x") && !found(nil))
    }

    @Test("LOG_FORMAT is text, json or journal, and text into a pipe")
    func setting() throws {
        #expect(try logFormatSetting.value(in: Environment([:])) == .text)
        #expect(try logFormatSetting.value(in: Environment(["LOG_FORMAT": "json"])) == .json)
        #expect(throws: ConfigurationError.self) { try logFormatSetting.value(in: Environment(["LOG_FORMAT": "xml"])) }
    }

    @Test("A service writes its lines in the format that it is told", arguments: ["consumer", "producer", "loader"])
    func process(_ service: String) async throws {
        let variables = ["KAFKA_TOPIC": "a b"]
        let json = try await FinishedProcess.run(
            service, environment: variables.merging(["LOG_FORMAT": "json"]) { $1 })
        let line = try #require(json.errors.first)
        let read = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
        #expect(json.errors.count == 1 && read.level == "error" && read.logger == service)
        #expect(read.message.hasPrefix("KAFKA_TOPIC: 'a b' is not "))
        let journal = try await FinishedProcess.run(
            service, environment: variables.merging(["LOG_FORMAT": "journal"]) { $1 })
        #expect(journal.errors.count == 1 && journal.errors.first?.hasPrefix("<3>KAFKA_TOPIC: 'a b' is not ") == true)
    }
}
