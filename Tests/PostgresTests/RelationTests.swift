import Postgres
import Runtime
import TestSupport
import Testing

@Suite("What a connection knows of the catalogue", .timeLimit(.minutes(5)))
struct RelationTests {
    @Test("A table that another session created while this one waited for a lock is seen")
    func createdMeanwhile() async throws {
        let configuration = try await TimescaleServer.shared.createDatabase("relations", extension: false)
        try await DedicatedThread(name: "relations").run {
            let first = try PostgresConnection(configuration)
            let second = try PostgresConnection(configuration)
            #expect(try second.lacksRelation("t"))
            try second.execute("BEGIN")
            // The cache of the second session remembers that there is none.
            #expect(try second.query("SELECT to_regclass('t')").text(0, 0) == nil)
            try first.execute("CREATE TABLE t (n int)")
            #expect(try !second.lacksRelation("t"))
            try second.execute("ROLLBACK")
        }
    }
}
