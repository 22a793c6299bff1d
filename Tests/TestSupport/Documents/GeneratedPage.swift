import Foundation

/// A page in docs/ of which parts come from the code. They stand between two comments each:
///
/// ```
/// <!-- begin producer: generated, `make docs` writes it anew -->
/// <!-- end producer -->
/// ```
///
/// A test compares them with the code; with `UPDATE_DOCS=1`, as `make docs` runs it, it writes them.
package struct GeneratedPage {
    private let url: URL

    /// - Parameter name: of a file in docs/, which is found from this file's place.
    package init(_ name: String) {
        var folder = URL(filePath: #filePath)
        for _ in 0..<4 { folder.deleteLastPathComponent() }
        url = folder.appending(path: "docs/\(name)")
    }

    /// Compares, or writes, one part.
    ///
    /// - Returns: what is wrong and what mends it; nil when the part is as it should be.
    package func mistake(in part: String, expecting text: String) throws -> String? {
        var page = try String(contentsOf: url, encoding: .utf8)
        let (begin, end) = ("<!-- begin \(part): generated, `make docs` writes it anew -->\n", "<!-- end \(part) -->")
        guard let from = page.range(of: begin), let to = page.range(of: end, range: from.upperBound..<page.endIndex)
        else { return "\(url.lastPathComponent) lacks the lines \(begin)\(end)" }
        let range = from.upperBound..<to.lowerBound
        guard page[range] != "\(text)\n" else { return nil }
        guard ProcessInfo.processInfo.environment["UPDATE_DOCS"] == "1" else {
            return "docs/\(url.lastPathComponent) says something else about the \(part) than the code: run 'make docs'"
        }
        page.replaceSubrange(range, with: "\(text)\n")
        try page.write(to: url, atomically: true, encoding: .utf8)
        return nil
    }
}
