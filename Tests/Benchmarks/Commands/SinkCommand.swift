import ArgumentParser
import Foundation

/// A BigQuery that discards rows, see ``SinkServer``: prints its address, then what it saw, and serves until it
/// is ended.
struct SinkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "sink", shouldDisplay: false)

    @Option var rows: Int
    @Option var price: String
    @Option var volume: String
    @Flag var count = false
    @Option var keep: String?

    func run() async throws {
        let totals = SinkBook.Totals(rows: rows, price: price, volume: volume)
        let server = try await SinkServer(SinkBook(totals, countsRows: count, keptBody: keep))
        print("127.0.0.1:\(server.port)")
        fflush(nil)
        // Whoever started this ends it.
        try await Task.sleep(for: .seconds(86_400))
    }
}
