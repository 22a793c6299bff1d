/// A page of section 1 in the language of man(7).
struct ManualPage {
    let text: String

    /// - Parameter day: of the page, as `2026-01-31`.
    init(of command: CommandDump.Command, day: String) {
        let discussion = Discussion(command.discussion ?? "")
        var lines = [
            #".TH "\#(command.commandName.uppercased())" 1 "\#(day)" "" "Ticker pipeline""#,
            ".SH NAME", "\(roff(command.commandName)) \\- \(roff(command.abstract ?? ""))",
            ".SH SYNOPSIS",
        ]
        lines += Self.synopsis(of: command, as: command.commandName)
        lines += [".SH DESCRIPTION"] + discussion.introduction
        lines += [".SH OPTIONS"] + Self.options(of: command)
        let subcommands = (command.subcommands ?? []).filter { $0.commandName != "help" }
        if !subcommands.isEmpty { lines.append(".SH COMMANDS") }
        for subcommand in subcommands {
            lines += [
                ".SS \(roff("\(command.commandName) \(subcommand.commandName)"))", roff(subcommand.abstract ?? ""),
            ]
            let discussion = Discussion(subcommand.discussion ?? "").introduction
            if !discussion.isEmpty { lines += [".PP"] + discussion }
            lines += Self.options(of: subcommand)
        }
        lines += discussion.sections
        text = lines.joined(separator: "\n") + "\n"
    }

    private static func shown(_ command: CommandDump.Command) -> [CommandDump.Argument] {
        (command.arguments ?? []).filter(\.shouldDisplay)
    }

    private static func synopsis(of command: CommandDump.Command, as name: String) -> [String] {
        let own = shown(command).map { argument in
            argument.isOptional ? "[\(usage(of: argument))]" : usage(of: argument)
        }
        let lines = [#".B \#(roff(name))"#] + own
        let subcommands = (command.subcommands ?? []).filter { $0.commandName != "help" }
        return lines + subcommands.flatMap { [".br"] + synopsis(of: $0, as: "\(name) \($0.commandName)") }
    }

    private static func options(of command: CommandDump.Command) -> [String] {
        shown(command).flatMap { argument in
            let names = (argument.names ?? []).map { #"\fB\#(roff($0.text))\fR"# }.joined(separator: ", ")
            let tag = argument.kind == "positional" ? value(of: argument) : names
            let value = argument.kind == "option" ? " \(value(of: argument))" : ""
            let standard = argument.defaultValue.map { " The default is \($0)." } ?? ""
            return [".TP", tag + value, roff((argument.abstract ?? "") + standard)]
        }
    }

    private static func usage(of argument: CommandDump.Argument) -> String {
        guard argument.kind != "positional", let name = argument.names?.first(where: { $0.kind == "long" })
        else { return value(of: argument) }
        let text = #"\fB\#(roff(name.text))\fR"#
        return argument.kind == "option" ? "\(text) \(value(of: argument))" : text
    }

    private static func value(of argument: CommandDump.Argument) -> String {
        #"\fI\#(roff(argument.valueName ?? "value"))\fR"#
    }
}

/// The free text of a command's help as lines of roff. It is laid out for a terminal: paragraphs, HEADINGS,
/// names with what they mean behind a larger indent, and other indented lines, which stay as they are.
struct Discussion {
    /// Up to the first heading.
    private(set) var introduction: [String] = []
    /// From there on.
    private(set) var sections: [String] = []

    init(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(Line.init)
        var isVerbatim = false
        for (index, line) in lines.enumerated() {
            let next = index + 1 < lines.count ? lines[index + 1] : nil
            let isTag = line.indent > 0 && (next?.indent ?? 0) > line.indent
            let isMeaning = index > 0 && line.indent > lines[index - 1].indent && lines[index - 1].indent > 0
            let staysAsItIs = line.indent > 0 && !isTag && !isMeaning
            if staysAsItIs != isVerbatim {
                append(staysAsItIs ? [".PP", ".nf"] : [".fi"])
                isVerbatim = staysAsItIs
            }
            if let heading = line.heading {
                sections += [".SH \(roff(heading.title))"] + (heading.rest.isEmpty ? [] : [roff(heading.rest)])
            } else if isTag {
                append([".TP", #"\fB\#(roff(line.text))\fR"#])
            } else if !line.text.isEmpty {
                append([roff(line.text)])
            } else if next?.indent == 0, next?.text.isEmpty == false, next?.heading == nil {
                append([".PP"])
            }
        }
        if isVerbatim { append([".fi"]) }
    }

    private mutating func append(_ lines: [String]) {
        // Behind a heading a paragraph begins by itself.
        let isBehindHeading = sections.last?.hasPrefix(".SH") ?? introduction.isEmpty
        let lines = isBehindHeading && lines.first == ".PP" ? Array(lines.dropFirst()) : lines
        if sections.isEmpty { introduction += lines } else { sections += lines }
    }

    private struct Line {
        let indent: Int
        let text: String

        init(_ line: Substring) {
            let rest = line.drop { $0 == " " }
            indent = rest.isEmpty ? 0 : line.count - rest.count
            text = String(rest)
        }

        /// `EXIT CODES`, or `SETTINGS (what they are)`.
        var heading: (title: String, rest: String)? {
            let title = text.prefix { $0.isUppercase || $0 == " " }
            let rest = text.dropFirst(title.count)
            guard indent == 0, title.count > 2, rest.isEmpty || rest.first == "(" else { return nil }
            let words = rest.drop { $0 == "(" }.prefix { $0 != ")" }
            return (title.last == " " ? String(title.dropLast()) : String(title), words.isEmpty ? "" : "\(words).")
        }
    }
}

/// Text as roff prints it, and not as its commands.
func roff(_ text: String) -> String {
    var escaped = ""
    for character in text {
        switch character {
        case "\\": escaped += "\\e"
        case "-": escaped += "\\-"
        default: escaped.append(character)
        }
    }
    return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&\(escaped)" : escaped
}
