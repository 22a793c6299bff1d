import TestSupport

/// The dead letters of the database beside the malformed frames that were sent, one by one.
struct DeadLetterComparison: Sendable {
    /// A row of `dead_letters`; binary values as PostgreSQL spells them (`\x7b7d`), nil is NULL.
    struct Letter: Sendable {
        var topic: String
        var key: String?
        var value: String?
    }

    let sentCount: Int
    /// By the frames' numbers.
    private(set) var lost = TickComparison.Examples()
    private(set) var doubled = TickComparison.Examples()
    /// With another key, or of another topic.
    private(set) var changed = TickComparison.Examples()
    /// Letters of bytes that were never sent so.
    private(set) var strangers: [Letter] = []

    init(_ session: Session, _ letters: [Letter], topic: String) {
        var sent: [String: (number: Int, key: String?)] = [:]
        for frame in session.frames() {
            guard let malformation = frame.trade.malformation else { continue }
            sent[hexadecimal(frame.bytes)] = (
                frame.trade.number, malformation.tellsCode ? hexadecimal(Array(frame.code.utf8)) : nil
            )
        }
        sentCount = sent.count
        var seen: Set<Int> = []
        for letter in letters {
            guard let frame = letter.value.flatMap({ sent[$0] }) else {
                strangers.append(letter)
                continue
            }
            if !seen.insert(frame.number).inserted { doubled.add(frame.number) }
            if letter.key != frame.key || letter.topic != topic { changed.add(frame.number) }
        }
        for number in sent.values.map(\.number).sorted() where !seen.contains(number) { lost.add(number) }
    }

    /// Compares all that the database has.
    static func run(_ world: FaultWorld) async throws -> DeadLetterComparison {
        let rows = try await world.database.rows("SELECT topic, key, value FROM dead_letters")
        let letters = rows.map { Letter(topic: $0[0] ?? "", key: $0[1], value: $0[2]) }
        return DeadLetterComparison(world.session, letters, topic: world.broker.topic)
    }

    var differences: [String] {
        let numbered = [("lost", lost), ("doubled", doubled), ("changed", changed)].compactMap { name, examples in
            examples.count == 0 ? nil : "\(name) dead letters, \(examples.text)"
        }
        guard let first = strangers.first else { return numbered }
        let value = first.value.map { $0.prefix(120) } ?? "NULL"
        return numbered + ["\(strangers.count) dead letters that nobody sent so, the first of \(first.topic): \(value)"]
    }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return #"\x"# + String(decoding: text, as: UTF8.self)
}
