import Foundation
import Synchronization
import TestSupport

/// What a ``SinkServer`` answers, and what it saw.
final class SinkBook: Sendable {
    /// What an hour amounts to, as text.
    struct Totals: Sendable {
        let rows: Int
        let price: String
        let volume: String
    }

    /// What it saw of the rows, told as a line of JSON when they are published.
    struct Account: Codable, Sendable {
        var requests = 0
        var bytes = 0
        /// Only of a sink that counts them.
        var rows = 0
        /// From the first request's head to the last one's answer.
        var seconds = 0.0
        /// Of the requests' bodies.
        var encoding: String?
    }

    private struct State {
        var account = Account()
        var firstInsert: ContinuousClock.Instant?
        var isPublished = false
    }

    /// It looks into the requests, which takes time.
    let countsRows: Bool
    private let totals: Totals
    private let keptBody: String?
    private let state = Mutex(State())

    static let inserted = #"{"kind":"bigquery#tableDataInsertAllResponse"}"#

    /// - Parameter keptBody: a file for the first request's body as it came.
    init(_ totals: Totals, countsRows: Bool, keptBody: String?) {
        self.totals = totals
        self.countsRows = countsRows
        self.keptBody = keptBody
    }

    /// A request with rows begins; true when its body is of use.
    func insertBegins() -> Bool {
        state.withLock { state in
            if state.firstInsert == nil { state.firstInsert = .now }
            return countsRows || (keptBody != nil && state.account.requests == 0)
        }
    }

    func insertEnds(bytes: Int, body: [UInt8], encoding: String?) {
        let rows = countsRows ? occurrences(of: #""insertId""#, in: body) : 0
        state.withLock { state in
            if let keptBody, state.account.requests == 0 { try? Data(body).write(to: URL(filePath: keptBody)) }
            state.account.requests += 1
            state.account.bytes += bytes
            state.account.rows += rows
            state.account.encoding = encoding
            if let first = state.firstInsert { state.account.seconds = (ContinuousClock.now - first).inSeconds }
        }
    }

    /// The loader's questions: whether the tables are there, what is staged, to publish, what is published.
    func answer(_ method: String, _ uri: String, _ body: [UInt8]) -> String {
        let path = uri.prefix { $0 != "?" }
        if method == "POST", path.hasSuffix("/jobs") { publish() }
        if path.contains("/jobs") {
            let statistics = #"{"query":{"dmlStats":{"insertedRowCount":"\#(totals.rows)"}}}"#
            return #"{"status":{"state":"DONE"},"statistics":\#(statistics)}"#
        }
        guard path.hasSuffix("/queries") else { return "{}" }
        let question = String(decoding: body, as: UTF8.self)
        let isThere = question.contains("_staging") || state.withLock { $0.isPublished }
        let sums = question.contains("SUM(") ? isThere ? [totals.price, totals.volume] : [nil, nil] : []
        let cells = ([isThere ? "\(totals.rows)" : "0"] + sums).map { text in
            #"{"v":\#(text.map { "\"\($0)\"" } ?? "null")}"#
        }
        return #"{"jobComplete":true,"rows":[{"f":[\#(cells.joined(separator: ","))]}]}"#
    }

    private func publish() {
        let account = state.withLock { state in
            state.isPublished = true
            return state.account
        }
        guard let line = try? JSONEncoder().encode(account) else { return }
        print(String(decoding: line, as: UTF8.self))
        fflush(nil)
    }
}

private func occurrences(of text: String, in body: [UInt8]) -> Int {
    let needle = Array(text.utf8)
    return body.withUnsafeBytes { bytes in
        var count = 0
        var rest = bytes[...]
        while let found = rest.firstRange(of: needle) {
            count += 1
            rest = rest[found.upperBound...]
        }
        return count
    }
}
