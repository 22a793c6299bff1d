/// An alert of docker/prometheus/rules, as far as tests look at it.
struct AlertRule {
    let name: String
    /// The name of its file, without the extension.
    let group: String
    let severity: String?
    let summary: String?
    let description: String?
    let runbook: String?
    /// The lines of the file from its `- alert` on.
    let lines: [Substring]
    private let expressionLines: Range<Int>

    static let folder = "docker/prometheus/rules"

    static func all() throws -> [AlertRule] {
        try Repository.files(in: folder).flatMap { file in
            let lines = try Repository.text("\(folder)/\(file)").split(
                separator: "\n", omittingEmptySubsequences: false)
            let starts = lines.indices.filter { lines[$0].hasPrefix(start) }
            return zip(starts, starts.dropFirst() + [lines.count]).map { first, end in
                AlertRule(group: String(file.prefix { $0 != "." }), lines: Array(lines[first..<end]))
            }
        }
    }

    private init(group: String, lines: [Substring]) {
        self.group = group
        self.lines = lines
        name = String(lines[0].dropFirst(Self.start.count))
        func value(_ key: String) -> String? {
            lines.first { $0.drop { $0 == " " }.hasPrefix("\(key): ") }
                .map { String($0.drop { $0 == " " }.dropFirst(key.count + 2)) }
        }
        severity = value("severity")
        summary = value("summary")
        description = value("description")
        runbook = value("runbook_url")
        let first = lines.firstIndex { $0.hasPrefix(Self.expression) } ?? 0
        // The rest of a folded one is indented deeper than its key.
        let rest = lines[(first + 1)...].prefix { $0.hasPrefix("          ") }
        expressionLines = first..<(first + 1 + rest.count)
    }

    private static let start = "      - alert: "
    private static let expression = "        expr: "

    /// What it asks, on one line.
    var expression: String {
        String(lines[expressionLines].joined(separator: " ").dropFirst(Self.expression.count))
            .replacing(">-", with: "")
    }

    /// The file of `text` with another expression for this alert.
    func replacingExpression(with expression: String, in text: String) -> String {
        var changed = lines
        changed.replaceSubrange(expressionLines, with: ["\(Self.expression)\(expression)"])
        return text.replacing(lines.joined(separator: "\n"), with: changed.joined(separator: "\n"))
    }
}
