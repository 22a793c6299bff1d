import Foundation
import Market
import TestSupport
import Testing

@testable import Producer

@Suite("The state of a spool")
struct SpoolStateTests {
    private let boot = BootIdentity(high: 1, low: 1)
    private let gap = PendingGap(sequence: 3, start: GapStart(from: 1, reason: .stall), end: 5)

    /// What must never change unnoticed.
    private struct Known: Equatable {
        let producer: String
        let numbers: [UInt64]
        let isClean: Bool

        init(_ state: SpoolState) {
            producer = state.producer
            numbers = [
                state.deliveredBelow, state.lastSequence, state.lastReceived, state.reservedBelow, state.releasedUntil,
            ]
            isClean = state.isClean
        }
    }

    /// A spool with frames, of which some are delivered.
    private func used() throws -> (folder: SpoolFolder, file: String, bytes: Data, known: Known) {
        let folder = try SpoolFolder(limitBytes: 64 << 10)
        let spool = try folder.open()
        for time in 1_700_000_000_000_001...1_700_000_000_000_020 as ClosedRange<UInt64> {
            try spool.append([1], received: time)
        }
        spool.state.deliveredBelow = 12
        spool.state.releasedUntil = 1_700_000_000_000_000
        _ = spool.state.keep(gap)
        let file = "\(folder.path)/state"
        return (folder, file, try Data(contentsOf: URL(filePath: file)), Known(spool.state))
    }

    /// nil when it is refused as it should be.
    private func reopened(_ folder: SpoolFolder) throws -> SpoolState? {
        do {
            return try SpoolState(in: try SpoolDirectory(folder.path), producerID: "test", boot: boot)
        } catch {
            #expect(error.kind == .unusable && error.description.contains("/state is missing or damaged: move"))
            return nil
        }
    }

    // MARK: - Damage

    @Test("A bit that the disk changed in a number stops the start, whichever it is")
    func bits() throws {
        let (folder, file, bytes, known) = try used()
        for field in SpoolState.Field.allCases {
            for bit in 0..<64 {
                var changed = bytes
                changed[field.offset + bit / 8] ^= 1 << (bit % 8)
                try changed.write(to: URL(filePath: file))
                #expect(try reopened(folder) == nil, "bit \(bit) of \(field)")
            }
        }
        try bytes.write(to: URL(filePath: file))
        #expect(try reopened(folder).map(Known.init) == known)
    }

    @Test("Whatever bytes the disk changed, no other number is taken", arguments: 0..<4)
    func random(_ seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SplitMix64(seed: seed)
        let (folder, file, bytes, known) = try used()
        var refused = 0
        for _ in 0..<200 {
            var changed = bytes
            let start = Int.random(in: 0..<SpoolState.bootWords + 16, using: &generator)
            let end = min(bytes.count, start + .random(in: 1...64, using: &generator))
            for index in start..<end { changed[index] = .random(in: .min ... .max, using: &generator) }
            try changed.write(to: URL(filePath: file))
            if let state = try reopened(folder) { #expect(Known(state) == known) } else { refused += 1 }
        }
        #expect(refused > 100)
    }

    @Test("Numbers that cannot be stop the start, also when they fit their checksums")
    func impossible() throws {
        let (folder, file, bytes, _) = try used()
        let changes: [(SpoolState.Field, UInt64)] = [
            (.lastSequence, 1 << 50), (.deliveredBelow, 1 << 50), (.reservedBelow, 20),
            (.reservedBelow, CheckedNumber.largest), (.isClean, 2),
        ]
        for (field, number) in changes {
            var changed = bytes
            let word = CheckedNumber.word(number, place: field.rawValue)
            changed.replaceSubrange(field.offset..<field.offset + 8, with: withUnsafeBytes(of: word) { Data($0) })
            try changed.write(to: URL(filePath: file))
            #expect(try reopened(folder) == nil, "\(field)")
        }
    }

    @Test("So does a file that is too short, too long, or gone beside its segments")
    func size() throws {
        let (folder, file, bytes, _) = try used()
        for changed in [Data(), bytes.prefix(4_095), bytes + [0]] {
            try changed.write(to: URL(filePath: file))
            #expect(try reopened(folder) == nil)
        }
        try FileManager.default.removeItem(atPath: file)
        #expect(try reopened(folder) == nil)
    }

    @Test("Another start of the machine is no damage, but noticed")
    func otherBoot() throws {
        let (folder, file, bytes, known) = try used()
        #expect(try reopened(folder)?.mayBeFromEarlierBoot == false)
        var changed = bytes
        changed[SpoolState.bootWords + 15] ^= 1
        try changed.write(to: URL(filePath: file))
        let state = try #require(try reopened(folder))
        #expect(state.mayBeFromEarlierBoot && Known(state) == known)
    }

    @Test("A clock that is far ahead stays within what can be kept")
    func clock() throws {
        let folder = try SpoolFolder()
        let spool = try folder.open()
        try spool.append([1], received: .max)
        _ = consume spool
        #expect(try folder.open().lastReceived == CheckedNumber.largest)
    }

    // MARK: - The first format

    /// The state as it was before its numbers had checksums.
    private func firstFormat(_ bytes: Data, _ numbers: [UInt64]) -> Data {
        var old = bytes
        old.replaceSubrange(0..<8, with: Data("TICKSPL1".utf8))
        for (field, number) in zip(SpoolState.Field.allCases, numbers) {
            old.replaceSubrange(field.offset..<field.offset + 8, with: withUnsafeBytes(of: number) { Data($0) })
        }
        return old
    }

    @Test("A state of the first format is read, and goes on as one of this format")
    func upgraded() throws {
        let (folder, file, bytes, known) = try used()
        try firstFormat(bytes, known.numbers + [0]).write(to: URL(filePath: file))
        for _ in 0..<2 {
            let state = try #require(try reopened(folder))
            #expect(Known(state) == known && state.pendingGaps == [gap] && !state.mayBeFromEarlierBoot)
            #expect(try Data(contentsOf: URL(filePath: file)) == bytes)
        }
        #expect(try folder.names { $0.hasSuffix(".new") }.isEmpty)
        let spool = try folder.open()
        #expect(try spool.append([2]) == 21)
        #expect(try spool.read().map(\.sequence) == Array(12...21))
    }

    @Test("Whatever numbers it has, it is refused or gone on with", arguments: 0..<4)
    func firstFormatNumbers(_ seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SplitMix64(seed: seed)
        let (folder, file, bytes, known) = try used()
        let good = known.numbers + [0]
        var (refused, taken) = (0, 0)
        for step in 0..<100 {
            var numbers = good
            numbers[step % 6] =
                [
                    0, 1, 2, 21, 1 << 20, 1 << 51, 1 << 52, .max, .max - 1,
                    .random(in: .min ... .max, using: &generator),
                ][Int.random(in: 0..<10, using: &generator)]
            for segment in try folder.segments().dropFirst() { try FileManager.default.removeItem(atPath: segment) }
            try firstFormat(bytes, numbers).write(to: URL(filePath: file))
            guard try reopened(folder) != nil else {
                refused += 1
                continue
            }
            taken += 1
            let spool = try folder.open()
            let sequence = try spool.append([3])
            #expect(sequence > 20)
            spool.state.deliveredBelow = sequence
            #expect(try spool.read().map(\.sequence) == [sequence])
        }
        #expect(refused > 10 && taken > 10)
    }

    // MARK: - Names

    @Test("A file that is named after a sequence that there cannot be is no segment")
    func names() throws {
        let (folder, _, _, _) = try used()
        for name in ["18446744073709551615", "18446744073709551614", "00002251799813685249"] {
            try Data().write(to: URL(filePath: "\(folder.path)/\(name).segment"))
        }
        let spool = try folder.open()
        #expect(try spool.append([2]) == 21)
        #expect(try spool.read().map(\.sequence) == Array(12...21))
    }
}
