import Foundation

/// Trades that were recorded: `time_ms,code,trade_price,trade_volume`, in the order of arrival, the
/// numbers' spelling kept.
struct Recording: Sendable {
    private(set) var markets: [ExchangeMarket] = []
    private(set) var trades: [Trade] = []

    /// Why a file is no recording.
    enum Failure: Error, CustomStringConvertible {
        case unreadable(path: String)
        case badRow(line: Int, text: String)

        var description: String {
            switch self {
            case .unreadable(let path): "cannot read the recording \(path)"
            case .badRow(let line, let text): "line \(line) of the recording is not time_ms,code,price,volume: \(text)"
            }
        }
    }

    /// - Parameter path: a CSV file with a header line; compressed by gzip when the name ends so.
    init(path: String) throws {
        var indices: [Substring: Int] = [:]
        let text = String(decoding: try Self.contents(of: path), as: UTF8.self)
        // Lines end as the program that wrote them liked: by a line feed, or by a carriage return before it.
        for (index, line) in text.split(whereSeparator: \.isNewline).enumerated().dropFirst() {
            let fields = line.split(separator: ",")
            guard fields.count == 4, let timestamp = Int64(fields[0]), Self.isCode(fields[1]),
                let price = ExactDecimal(String(fields[2])), let volume = ExactDecimal(String(fields[3]))
            else { throw Failure.badRow(line: index + 1, text: String(line.prefix(80))) }
            let market = indices[fields[1]] ?? markets.count
            if market == markets.count {
                indices[fields[1]] = market
                markets.append(ExchangeMarket(code: String(fields[1]), price: price))
            }
            trades.append(
                Trade(
                    market: market, timestamp: timestamp, priceText: String(fields[2]),
                    volumeText: String(fields[3]), price: price, volume: volume,
                    isBid: index.isMultiple(of: 2), isRepeat: false))
        }
    }

    /// A code goes into JSON as it stands.
    private static func isCode(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }

    private static func contents(of path: String) throws -> Data {
        guard path.hasSuffix(".gz") else {
            guard let data = FileManager.default.contents(atPath: path) else { throw Failure.unreadable(path: path) }
            return data
        }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", path]
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure.unreadable(path: path) }
        return data
    }
}
