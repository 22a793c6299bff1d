import Foundation
import TestSupport

/// `psql \copy` of the table's rows into the same table, one connection: the limit of everything that writes rows.
struct TableCopy {
    private let file: String
    private let rows: Int

    /// Keeps the rows that `trade_data` has now.
    init(_ pipeline: Pipeline, rows: Int) async throws {
        self.rows = rows
        file = "\(pipeline.folder)/rows.tsv"
        // The server's tools run as another user.
        _ = FileManager.default.createFile(atPath: file, contents: nil, attributes: [.posixPermissions: 0o666])
        try await pipeline.psql(
            "\\copy (SELECT time, code, trade_price, trade_volume FROM trade_data) TO '\(file)'")
    }

    func rowsPerSecond(_ pipeline: Pipeline) async throws -> Double {
        try await pipeline.emptyTables()
        let start = ContinuousClock.now
        try await pipeline.psql("\\copy trade_data (time, code, trade_price, trade_volume) FROM '\(file)'")
        return Double(rows) / (ContinuousClock.now - start).inSeconds
    }
}
