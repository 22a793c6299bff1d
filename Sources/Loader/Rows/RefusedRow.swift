import FoundationEssentials
import Market

/// A row that was fit to send and that BigQuery itself refused.
struct RefusedRow: Sendable {
    let price: Numeric
    let volume: Numeric
    let row: RejectedRow

    /// Reads the row back from the request; nil for bytes that our own encoder did not write.
    init?(json: some Sequence<UInt8>, reason: String) {
        guard let fields = try? JSONDecoder().decode(SentRow.self, from: Data(json)).json,
            let price = try? Numeric(fields.trade_price), let volume = try? Numeric(fields.trade_volume)
        else { return nil }
        self.price = price
        self.volume = volume
        var line = Array("\(fields.time)\t".utf8)
        appendCopyField(fields.code, to: &line)
        line.append(contentsOf: "\t\(fields.trade_price)\t\(fields.trade_volume)".utf8)
        row = RejectedRow(copyFields: line, reason: reason)
    }
}

/// The part of a row in insertAll's body that comes from the source.
private struct SentRow: Decodable {
    struct Fields: Decodable {
        let time: String
        let code: String
        let trade_price: String
        let trade_volume: String
    }
    let json: Fields
}
