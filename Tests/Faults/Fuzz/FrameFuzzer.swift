import TestSupport

/// Frames that look like the exchange's and are not quite, from a seed.
///
/// A quarter is left as it is. The others are changed in their members (spellings, missing and repeated
/// names, odd markets and times), in their bytes (flips, cuts, splices, invalid UTF-8), or in both.
struct FrameFuzzer {
    private var random: SplitMix64
    private var frames: SessionFrames
    private var last: [UInt8] = Array("{}".utf8)
    /// Kafka takes records of up to a million bytes.
    private static let byteLimit = 950_000

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        var settings = SeededSettings(seed: seed, frameCount: .max)
        settings.bitcoinMarketCount = 5
        settings.tenDecimalsOneIn = 200
        frames = Session.seeded(settings).frames()
    }

    /// nil is a record without a value.
    mutating func next() -> [UInt8]? {
        var frame = random.oneIn(2) ? frames.next()?.bytes ?? [] : shortFrame()
        switch random.below(100) {
        case 0..<25: break
        case 25..<60: mutateMembers(&frame)
        case 60..<85: mutateBytes(&frame)
        case 85..<95:
            mutateMembers(&frame)
            mutateBytes(&frame)
        case 95..<97: frame = bytes(random.below(300))
        case 97: frame = nested()
        case 98: frame = random.oneIn(30) ? padded(frame) : []
        default: return nil
        }
        last = Array(frame.prefix(Self.byteLimit))
        return last
    }

    /// What a row needs and little else.
    private mutating func shortFrame() -> [UInt8] {
        let time = 1_767_311_880_000 + Int64(random.below(7_200_000))
        let members = [
            (#""code""#, #""KRW-S\#(random.below(20))""#), (#""trade_price""#, number()),
            (#""trade_volume""#, number()), (#""trade_timestamp""#, "\(time)"),
            (#""acc_trade_volume""#, "\(1 + random.below(100_000)).5"),
        ]
        return text(of: members)
    }

    // MARK: - Members

    private mutating func mutateMembers(_ frame: inout [UInt8]) {
        var members = Self.members(of: frame)
        for _ in 0...random.below(3) where !members.isEmpty {
            let index = random.below(members.count)
            switch random.below(8) {
            case 0: members.remove(at: index)
            case 1: members.insert(members[index], at: random.below(members.count))
            case 2: members.swapAt(index, random.below(members.count))
            case 3:
                members[index].value =
                    [number(), word(), string(), code(), String(decoding: nested(), as: UTF8.self)][random.below(5)]
            case 4: replace("trade_price", number(), in: &members)
            case 5: replace(random.oneIn(2) ? "trade_volume" : "acc_trade_volume", number(), in: &members)
            case 6: replace("trade_timestamp", time(), in: &members)
            default: replace("code", code(), in: &members)
            }
        }
        frame = text(of: members)
    }

    private func replace(_ name: String, _ value: String, in members: inout [(name: String, value: String)]) {
        for index in members.indices where members[index].name == "\"\(name)\"" { members[index].value = value }
    }

    /// The frames that are mutated here are flat and have no comma or colon in a string.
    private static func members(of frame: [UInt8]) -> [(name: String, value: String)] {
        frame.dropFirst().dropLast().split(separator: UInt8(ascii: ",")).map { member in
            let parts = member.split(separator: UInt8(ascii: ":"), maxSplits: 1).map {
                String(decoding: $0, as: UTF8.self)
            }
            return (parts.first ?? "", parts.count > 1 ? parts[1] : "")
        }
    }

    private mutating func text(of members: [(name: String, value: String)]) -> [UInt8] {
        let space = random.oneIn(10) ? [" ", "\n", "\t \r"][random.below(3)] : ""
        let body = members.map { "\($0.name)\(space):\(space)\($0.value)" }.joined(separator: ",\(space)")
        return Array("\(space){\(body)\(space)}\(space)".utf8)
    }

    // MARK: - Values

    private mutating func number() -> String {
        if random.oneIn(2) { return "\(random.below(1_000)).\(random.below(1_000_000_000))" }
        let odd = [
            "0", "-0", "0E-8", "1.16539E8", "5e-07", "1E+3", "1e999", "1e1000", "1e1001", "1e-1000",
            "1e99999999999999999999",
            "1e0000000000000000000000000007", "01", "1.", ".5", "-1", "--1", "+1", "1e", "1e+", "1.5.5", "0x10",
            "1_000", "NaN",
            "Infinity", "1,5", "99999999999999999999999999999", "0.0000000001", "0.1234567890123456789", "1e29", "1e28",
            "１",
        ]
        switch random.below(12) {
        case 0: return String(repeating: "9", count: 990 + random.below(20))
        case 1: return "0.\(String(repeating: "0", count: 990 + random.below(20)))1"
        case 2: return "\(random.next())e\(random.below(60) - 30)"
        default: return odd[random.below(odd.count)]
        }
    }

    private mutating func time() -> String {
        let bounds = [SecondReading.year2000, SecondReading.year2100].flatMap { ["\($0 - 1)", "\($0)"] }
        let odd =
            bounds + [
                "0", "-1767311880000", "1767311880000.0", "1.767311880E12", "17673118800000000000",
                "999999999999999999",
                "01767311880000", "1767311880", "\"1767311880000\"", "null",
            ]
        return random.oneIn(2) ? "\(1_767_311_880_000 + Int64(random.below(90_000_000)))" : odd[random.below(odd.count)]
    }

    private mutating func code() -> String {
        let odd = [
            #""KRW-""#, #""-BTC""#, #""KRW""#, #""KRW-NULL""#, #""krw-btc""#, #""A-B-C""#, #""KRW--""#, #""KRW-A.B_C""#,
            #""""#,
            #""KRW-\u0042TC""#, #""KRW-비트""#, #""KRW-A B""#, #""KRW-A'B""#, #""\N-A""#, "null", "7", #"["KRW-BTC"]"#,
            "\"KRW-\(String(repeating: "X", count: 20 + random.below(20)))\"",
            "\"\(random.below(99))-\(random.below(99))\"",
        ]
        return odd[random.below(odd.count)]
    }

    private mutating func word() -> String {
        ["true", "false", "null", "True", "nul", "undefined", "[]", "{}", ""][random.below(9)]
    }

    private mutating func string() -> String {
        [#""\"""#, #""\u12""#, #""\x""#, #""\ud800""#, "\"\u{1}\"", #""a\tb""#, "\"\u{10FFFF}\"", "\"", "'a'"][
            random.below(9)]
    }

    /// Brackets around brackets, closed or not.
    private mutating func nested() -> [UInt8] {
        let depth = random.oneIn(20) ? 100_000 : random.below(140)
        let isArray = random.oneIn(2)
        let open = String(repeating: isArray ? "[" : #"{"a":"#, count: depth)
        let close = String(repeating: isArray ? "]" : "}", count: random.oneIn(4) ? random.below(140) : depth)
        return Array((open + (isArray ? "" : "1") + close).utf8)
    }

    // MARK: - Bytes

    private mutating func mutateBytes(_ frame: inout [UInt8]) {
        for _ in 0...random.below(3) where !frame.isEmpty {
            let place = random.below(frame.count)
            let end = min(frame.count, place + random.below(40))
            switch random.below(8) {
            case 0, 1: frame[place] ^= 1 << UInt8(random.below(8))
            case 2: frame.removeLast(frame.count - place)
            case 3: frame.removeSubrange(place..<end)
            case 4: frame.insert(contentsOf: frame[place..<end], at: random.below(frame.count))
            case 5: frame = Array(frame[..<place] + last.dropFirst(random.below(last.count + 1)))
            case 6: frame.insert(contentsOf: invalidText(), at: place)
            default: frame.insert(contentsOf: bytes(random.below(4)), at: place)
            }
        }
    }

    /// Overlong, surrogate, cut off, beyond Unicode; and what is valid but no JSON.
    private mutating func invalidText() -> [UInt8] {
        [
            [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82], [0xF4, 0x90, 0x80, 0x80], [0xFF], [0x80],
            [0xEF, 0xBB, 0xBF],
            [0x00], [0x7F], [0xE2, 0x80, 0xA8], Array("\\.\n".utf8), Array("\t\\N".utf8),
        ][random.below(12)]
    }

    private mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    /// Almost as large as a record can be.
    private mutating func padded(_ frame: [UInt8]) -> [UInt8] {
        frame + [UInt8](repeating: random.oneIn(2) ? 0x20 : 0x5B, count: 900_000)
    }
}
