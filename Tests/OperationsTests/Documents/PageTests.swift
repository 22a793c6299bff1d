import Foundation
import Postgres
import Testing

@Suite("The pages for those who run it", .timeLimit(.minutes(1)))
struct PageTests {
    @Test("Every link leads to a file and a heading that are there")
    func links() throws {
        let pages = try Page.all()
        #expect(pages.contains { $0.path == "docs/runbook.md" } && pages.flatMap(\.links).count > 30)
        for page in pages {
            for link in page.links {
                let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
                let folder = page.path.hasPrefix("docs/") ? "docs/" : ""
                let target = parts[0].isEmpty ? page.path : "\(folder)\(parts[0])"
                guard FileManager.default.fileExists(atPath: Repository.path(target)) else {
                    Issue.record("\(page.path): \(link) leads nowhere")
                    continue
                }
                if parts.count > 1 {
                    #expect(try Page(target).anchors.contains(String(parts[1])), "\(page.path): \(link)")
                }
            }
        }
    }

    /// Functions of the Community Edition, too, are at least there: the other one refuses them by their names.
    @Test(
        "Every statement that they tell runs against the services' tables",
        arguments: ["runbook", "recovery", "upgrading", "security"])
    func statements(_ name: String) async throws {
        let database = try await PipelineDatabase(isHypertable: true)
        let blocks = try Page("docs/\(name).md").blocks(of: "sql")
        #expect(!blocks.isEmpty)
        for block in blocks {
            let refusal = try await database.refusal(of: block)
            #expect(refusal == nil || refusal?.sqlState == "0A000", "\(block): \(refusal.map { "\($0)" } ?? "")")
        }
    }
}
