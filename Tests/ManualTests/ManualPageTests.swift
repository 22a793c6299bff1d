import Testing

@testable import Manual

@Suite("A page of the manual")
struct ManualPageTests {
    private let command = CommandDump.Command(
        commandName: "loader", abstract: "Loads hours.",
        discussion: """
            Without arguments the previous hour.

            Run it hourly.

            EXAMPLES
              loader --hour 1      an hour
              loader               all

            SETTINGS (variables)
              BIGQUERY_TABLE (default trade_data)
                  Final table.
            .hidden
            """,
        subcommands: [
            CommandDump.Command(
                commandName: "check", abstract: "Says what works.",
                arguments: [argument("flag", "json", isOptional: true, "Print JSON.")]),
            CommandDump.Command(commandName: "help", abstract: "Show help."),
        ],
        arguments: [
            argument("option", "hour", isOptional: true, "The hour."),
            argument("option", "from", isOptional: false, "The first."),
            argument("flag", "secret", isOptional: true, "Not for people.", shouldDisplay: false),
        ])

    @Test("It has the sections of a page, in their order, and those of the help's text behind them")
    func sections() {
        let page = ManualPage(of: command, day: "2026-01-31").text
        let headings = page.split(separator: "\n").filter { $0.hasPrefix(".SH") || $0.hasPrefix(".TH") }
        #expect(
            headings == [
                #".TH "LOADER" 1 "2026-01-31" "" "Ticker pipeline""#, ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION",
                ".SH OPTIONS", ".SH COMMANDS", ".SH EXAMPLES", ".SH SETTINGS",
            ])
    }

    @Test("Options, subcommands and settings are tagged; what is not for people is left out")
    func parts() {
        let page = ManualPage(of: command, day: "2026-01-31").text
        #expect(page.contains("loader \\- Loads hours.\n"))
        #expect(page.contains("[\\fB\\-\\-hour\\fR \\fIhour\\fR]\n\\fB\\-\\-from\\fR \\fIfrom\\fR\n"))
        #expect(page.contains(".br\n.B loader check\n[\\fB\\-\\-json\\fR]\n"))
        #expect(page.contains(".TP\n\\fB\\-\\-hour\\fR \\fIhour\\fR\nThe hour.\n"))
        #expect(page.contains(".SS loader check\nSays what works.\n.TP\n\\fB\\-\\-json\\fR\nPrint JSON.\n"))
        #expect(page.contains("variables.\n.TP\n\\fBBIGQUERY_TABLE (default trade_data)\\fR\nFinal table.\n"))
        #expect(!page.contains("secret") && !page.contains("Show help"))
    }

    @Test("Paragraphs are apart, examples keep their lines, and no text is taken for a command of roff")
    func text() {
        let page = ManualPage(of: command, day: "2026-01-31").text
        #expect(page.contains("Without arguments the previous hour.\n.PP\nRun it hourly.\n"))
        #expect(page.contains(".nf\nloader \\-\\-hour 1      an hour\nloader               all\n.fi\n"))
        #expect(page.contains("\n\\&.hidden\n"))
        #expect(roff(#"a\b"#) == #"a\eb"#)
    }
}

private func argument(
    _ kind: String, _ name: String, isOptional: Bool, _ abstract: String, shouldDisplay: Bool = true
) -> CommandDump.Argument {
    CommandDump.Argument(
        kind: kind, shouldDisplay: shouldDisplay, isOptional: isOptional,
        names: [CommandDump.Name(kind: "long", name: name)], valueName: name, abstract: abstract)
}
