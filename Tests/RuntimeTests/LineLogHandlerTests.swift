import Foundation
import Logging
import Testing

@testable import Runtime

@Suite("A log line")
struct LineLogHandlerTests {
    private let time = Date(timeIntervalSince1970: 1_767_243_600.25)

    private func line(
        _ message: Logger.Message, _ metadata: Logger.Metadata? = nil, error: (any Error)? = nil,
        handler: LineLogHandler = LineLogHandler(label: "consumer", level: .info)
    ) -> String {
        let event = LogEvent(
            level: .warning, message: message, error: error, metadata: metadata, source: "Test", file: "", function: "",
            line: 0)
        return handler.line(of: event, at: time)
    }

    @Test("It is time, level, service, message, then metadata sorted by key")
    func order() {
        #expect(
            line("written", ["rows": "7", "dead_letters": "0"])
                == "2026-01-01T05:00:00.250Z warning consumer: written dead_letters=0 rows=7\n")
    }

    @Test("An event's metadata wins over its logger's")
    func metadata() {
        var handler = LineLogHandler(label: "consumer", level: .info)
        handler[metadataKey: "rows"] = "1"
        handler[metadataKey: "topic"] = "t"
        #expect(line("x", ["rows": "2"], handler: handler).hasSuffix("consumer: x rows=2 topic=t\n"))
    }

    @Test("A value with spaces or quotes stands in quotes, and can be told apart from its neighbours")
    func quotes() {
        #expect(line("x", ["a": #"say "no" b=1"#]).hasSuffix(#"x a="say \"no\" b=1""# + "\n"))
        #expect(line("x", ["a": #"C:\new folder"#]).hasSuffix(#"x a="C:\\new folder""# + "\n"))
    }

    @Test(
        "One event is one line of plain text, whatever is in it",
        arguments: ["\n", "\r", "\r\n", "\u{1B}[31m", "\0", "\u{7F}", "\u{85}", "\u{9B}2J", "\u{2028}", "\u{2029}"])
    func oneLine(_ text: String) {
        for line in [line("a\(text)b"), line("a", ["key": "a\(text)b"])] {
            let inside = line.dropLast().unicodeScalars
            #expect(line.hasSuffix("\n"))
            #expect(
                inside.allSatisfy {
                    ![.control, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory)
                }, "\(line.debugDescription)")
            #expect(line.contains("a") && line.dropLast().contains("b"))
        }
    }

    @Test("Text of any language is left alone")
    func unicode() {
        #expect(line("비트코인", ["name": "비트코인"]).hasSuffix("consumer: 비트코인 name=비트코인\n"))
    }

    @Test("The error of an event is told")
    func error() {
        #expect(
            line("x", error: ConfigurationError("it is wrong")).hasSuffix(#"x error="it is wrong""# + "\n"))
    }

    @Test("LOG_LEVEL is one of swift-log's levels, and info by default")
    func level() throws {
        #expect(try logLevelSetting.value(in: Environment([:])) == .info)
        #expect(try logLevelSetting.value(in: Environment(["LOG_LEVEL": "trace"])) == .trace)
        #expect(throws: ConfigurationError.self) { try logLevelSetting.value(in: Environment(["LOG_LEVEL": "loud"])) }
    }
}
