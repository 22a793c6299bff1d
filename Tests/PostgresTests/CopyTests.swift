import Postgres
import TestSupport
import Testing

@Suite("COPY")
struct CopyTests {
    @Test("Rows go in, whatever their size, and their number comes back", arguments: [0, 1, 3, 20_000])
    func copyIn(_ count: Int) async throws {
        try await TestDatabase().connected { connection in
            try connection.execute("CREATE TABLE t (n bigint, text text)")
            let text = (0..<count).map { "\($0)\t\\N\n" }.joined()
            #expect(count < 20_000 || text.utf8.count > 2 * 65_536)
            #expect(try copy(text, into: connection) == count)
            let sum = try connection.query("SELECT count(*), coalesce(sum(n), 0), count(text) FROM t")
            #expect(sum.integer(0, 0) == Int64(count) && sum.integer(0, 1) == Int64(count * max(0, count - 1) / 2))
            #expect(sum.integer(0, 2) == 0)
        }
    }

    @Test("One row can be larger than a slice")
    func largeRow() async throws {
        try await TestDatabase().connected { connection in
            try connection.execute("CREATE TABLE t (n bigint, text text)")
            let large = String(repeating: "x", count: 300_000)
            #expect(try copy("1\t\(large)\n", into: connection) == 1)
            #expect(try connection.query("SELECT length(text) FROM t").integer(0, 0) == 300_000)
        }
    }

    @Test("A row that is refused takes all with it, says why, and the connection goes on", arguments: [1, 20_000])
    func refused(_ good: Int) async throws {
        try await TestDatabase().connected { connection in
            try connection.execute("CREATE TABLE t (n bigint, text text)")
            let rows = String(repeating: "1\tx\n", count: good)
            // At the end, and with more behind it than libpq can have sent before the server says no.
            for text in ["\(rows)x\tx\n", "x\tx\n\(rows)"] {
                let error = try #require(failure { () throws(PostgresError) in _ = try copy(text, into: connection) })
                #expect(error.sqlState == "22P02" && !error.isRetriable)
                #expect(connection.isOpen == true)
                #expect(try connection.query("SELECT count(*) FROM t").integer(0, 0) == 0)
            }
            #expect(try copy(rows, into: connection) == good)
        }
    }

    @Test("A statement that is refused is an error before a byte is sent")
    func noTable() async throws {
        try await TestDatabase().connected { connection in
            let error = try #require(failure { () throws(PostgresError) in _ = try copy("", into: connection) })
            #expect(error.sqlState == "42P01")
            let other = try #require(
                failure { () throws(PostgresError) in try connection.startCopyOut("COPY t TO STDOUT") })
            #expect(other.sqlState == "42P01")
        }
    }

    @Test("Rows come out one by one, then no more, then the connection is free")
    func copyOut() async throws {
        try await TestDatabase().connected { connection in
            try connection.startCopyOut("COPY (SELECT n, NULL, E'a\\tb' FROM generate_series(1, 3) n) TO STDOUT")
            var rows: [String] = []
            while let row = try nextRow(of: connection) { rows.append(row) }
            #expect(rows == ["1\t\\N\ta\\tb\n", "2\t\\N\ta\\tb\n", "3\t\\N\ta\\tb\n"])
            #expect(try connection.query("SELECT 7").integer(0, 0) == 7)
        }
    }

    @Test("Reading can be abandoned half way: the connection goes on")
    func abandoned() async throws {
        try await TestDatabase().connected { connection in
            try connection.startCopyOut("COPY (SELECT repeat('x', 100) FROM generate_series(1, 100000)) TO STDOUT")
            #expect(try nextRow(of: connection)?.utf8.count == 101)
            #expect(try connection.query("SELECT 7").integer(0, 0) == 7)
            try connection.startCopyOut("COPY (SELECT 8) TO STDOUT")
            #expect(try nextRow(of: connection) == "8\n")
            #expect(try nextRow(of: connection) == nil)
        }
    }

    @Test("A failure half way is thrown with its code, and the connection goes on")
    func failing() async throws {
        try await TestDatabase().connected { connection in
            try connection.startCopyOut("COPY (SELECT 1 / (3 - n) FROM generate_series(1, 5) n) TO STDOUT")
            var count = 0
            let error = try #require(
                failure { () throws(PostgresError) in while try connection.nextCopyRow({ _ in count += 1 }) {} })
            #expect(error.sqlState == "22012" && count <= 2)
            #expect(try connection.query("SELECT 7").integer(0, 0) == 7)
        }
    }
}

private func nextRow(of connection: borrowing PostgresConnection) throws -> String? {
    var row: String?
    return try connection.nextCopyRow { row = String(decoding: $0, as: UTF8.self) } ? row : nil
}
