/// A page of Markdown, as far as tests look at it.
struct Page {
    /// From the top folder.
    let path: String
    private let lines: [Substring]

    init(_ path: String) throws {
        self.path = path
        lines = try Repository.text(path).split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// README.md and what is in docs/.
    static func all() throws -> [Page] {
        try ["README.md"].map(Page.init)
            + Repository.files(in: "docs").filter { $0.hasSuffix(".md") }.map { try Page("docs/\($0)") }
    }

    /// The code blocks of a language, without their fences.
    func blocks(of language: String) -> [String] {
        var blocks: [String] = []
        var block: [Substring]?
        for line in lines {
            if line == "```\(language)", block == nil {
                block = []
            } else if line.hasPrefix("```"), let finished = block {
                blocks.append(finished.joined(separator: "\n"))
                block = nil
            } else {
                block?.append(line)
            }
        }
        return blocks
    }

    /// Where its links lead, without those to other hosts.
    var links: [String] {
        lines.flatMap { $0.matches(of: /\]\(([^)\s]+)\)/).map { String($0.1) } }.filter { !$0.contains("://") }
    }

    /// What links to its headings end with: in small letters, without punctuation, hyphens for spaces.
    var anchors: Set<String> {
        Set(
            lines.filter { $0.hasPrefix("#") }.map { line in
                line.drop { $0 == "#" }.dropFirst().lowercased()
                    .filter { $0.isLetter || $0.isNumber || " -_".contains($0) }.replacing(" ", with: "-")
            })
    }
}
