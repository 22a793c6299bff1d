/// The one message that the producer sends to the exchange.
///
/// ```
/// [{"ticket":"a"},{"type":"ticker","codes":["KRW-BTC"],"is_only_realtime":true},{"format":"DEFAULT"}]
/// ```
///
/// Source: Upbit's WebSocket reference, "Ticker". `is_only_realtime`, since a snapshot repeats each
/// market's last trade at every connect, which would put rows into hours that closed long ago.
enum Subscription {
    /// - Parameters:
    ///   - ticket: any text; quotes and backslashes in it are left out.
    ///   - markets: valid codes, which need no escaping.
    static func text(ticket: String, markets: [String]) -> String {
        let ticket = ticket.filter { $0 != "\"" && $0 != "\\" && !$0.isNewline }
        let codes = markets.map { "\"\($0)\"" }.joined(separator: ",")
        return
            #"[{"ticket":"\#(ticket)"},{"type":"ticker","codes":[\#(codes)],"is_only_realtime":true},{"format":"DEFAULT"}]"#
    }
}
