import Foundation
import Market
import TestSupport
import Testing

@testable import Producer

@Suite("The spool")
struct SpoolTests {
    private let frame = [UInt8](repeating: 7, count: 3_000)

    @Test("Frames are read as they were appended, numbered from 1, with their times and gaps")
    func roundTrip() throws {
        let folder = try SpoolFolder()
        let spool = try folder.open()
        #expect(spool.lastReceived == nil)
        let gap = GapStart(from: 5, reason: .stall)
        #expect(try spool.append([], received: 10) == 1)
        #expect(try spool.append([1], received: 11, gap: gap) == 2)
        #expect(try spool.append(frame, received: 12) == 3)
        let frames = try spool.read()
        #expect(frames.map(\.sequence) == [1, 2, 3] && frames.map(\.received) == [10, 11, 12])
        #expect(frames.map(\.frame) == [[], [1], frame] && frames.map(\.gap) == [nil, gap, nil])
        #expect(frames.allSatisfy { $0.hole == nil } && spool.lastReceived == 12)
    }

    @Test("Another process goes on where the one before ended, under the same name")
    func reopened() throws {
        let folder = try SpoolFolder()
        var spool: Spool? = try folder.open()
        let name = try #require(spool?.state.producer)
        #expect(name.wholeMatch(of: /test-[0-9a-f]{16}/) != nil)
        for _ in 0..<3_000 { _ = try spool?.append(frame, received: 20) }
        spool?.state.deliveredBelow = 2_000
        spool = nil
        let next = try folder.open()
        #expect(next.state.producer == name && next.lastReceived == 20)
        #expect(try next.append([1]) == 3_001)
        #expect(try next.read().map(\.sequence) == Array(2_000...3_001))
    }

    @Test("Segments go when everything in them is delivered, and the last one stays")
    func release() throws {
        let folder = try SpoolFolder()
        let spool = try folder.open()
        for _ in 0..<9_000 { try spool.append(frame, received: 20) }
        let all = try folder.segments()
        #expect(all.count > 3)
        spool.state.deliveredBelow = spool.nextSequence
        try spool.keep()
        #expect(try folder.segments() == all.suffix(1))
        #expect(try spool.read().isEmpty)
        try spool.append([1])
        #expect(try spool.read().map(\.sequence) == [9_001])
    }

    @Test("What is delivered and removed behind a reader's back is no hole", arguments: [false, true])
    func removedMeanwhile(_ hasPeeked: Bool) throws {
        let folder = try SpoolFolder()
        let spool = try folder.open()
        for _ in 0..<9_000 { try spool.append(frame, received: 20) }
        var cursor = SpoolCursor(spool)
        if hasPeeked { _ = try cursor.peek(in: spool) }
        spool.state.deliveredBelow = 8_900
        try spool.keep()
        let item = try #require(try cursor.peek(in: spool))
        #expect(item.record.sequence == 8_900 && item.hole == nil && item.record.gap == nil)
        try spool.keep()
        spool.state.deliveredBelow = spool.nextSequence
        #expect(try cursor.peek(in: spool) == nil)
        #expect(try folder.names { $0.hasSuffix(".corrupt") }.isEmpty)
    }

    @Test("A limit that got smaller than two segments holds no frames up once all is delivered")
    func smallerLimit() throws {
        let folder = try SpoolFolder(limitBytes: 2 << 20)
        var spool: Spool? = try folder.open(Spool.Limits(bytes: 8 << 20, frameBytes: 4_000))
        for _ in 0..<600 { _ = try spool?.append(frame) }
        spool?.state.deliveredBelow = 601
        try spool?.keep()
        spool = nil
        let next = try folder.open()
        #expect(throws: Spool.Full.limit(bytes: 2 << 20)) { while true { try next.append(frame) } }
        next.state.deliveredBelow = next.nextSequence
        for _ in 0..<100 {
            try next.append(frame)
            next.state.deliveredBelow = next.nextSequence
            try next.keep()
        }
        #expect(next.catalogue.bytes <= 2 << 20)
    }

    @Test("A full spool takes nothing until segments are removed")
    func full() throws {
        let folder = try SpoolFolder(limitBytes: 1 << 20)
        let spool = try folder.open()
        var count: UInt64 = 0
        #expect(throws: Spool.Full.limit(bytes: 1 << 20)) { while true { count = try spool.append(frame) } }
        #expect(count > 300 && spool.catalogue.bytes <= 1 << 20)
        spool.state.deliveredBelow = count / 2
        try spool.keep()
        #expect(try spool.append(frame) == count + 1)
        #expect(try spool.read().map(\.sequence) == Array(count / 2...count + 1))
    }

    @Test("Full, it still has room for all that was read from the socket at once", arguments: 0..<20)
    func headroom(_ seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SplitMix64(seed: seed)
        let (largest, readBytes) = (2_000, 4_096)
        let folder = try SpoolFolder(limitBytes: 512 << 10, frameBytes: largest, readBytes: readBytes)
        let spool = try folder.open()
        // Every other time nothing but the smallest, which need the most room for what they are on the wire.
        let smallest = seed.isMultiple(of: 2) ? 0 : 40
        var sizes: [Int] = []
        for round in 1...3 {
            while spool.full == nil {
                // The end of a large one, and what is behind it.
                var read = [Int.random(in: 0...largest, using: &generator)]
                var rest = readBytes
                while rest > 1 {
                    read.append(Int.random(in: 0...min(smallest, rest - 2), using: &generator))
                    rest -= 2 + (read.last ?? 0)
                }
                for size in read { try spool.append([UInt8](repeating: 7, count: size)) }
                sizes += read
            }
            #expect(spool.full == .limit(bytes: 512 << 10) && spool.catalogue.bytes <= 512 << 10)
            #expect(try spool.read().map(\.frame.count) == sizes)
            guard round < 3 else { break }
            spool.state.deliveredBelow = spool.nextSequence
            try spool.keep()
            spool.makeRoom()
            sizes = []
        }
    }

    @Test("What is delivered is asked to go before the spool is full of it, so that it never is")
    func nearlyFull() throws {
        let folder = try SpoolFolder(limitBytes: 1 << 20)
        let spool = try folder.open()
        var asked = 0
        spool.whenRoomIsWanted = { [unowned spool] in
            asked += 1
            #expect(throws: Never.self) { try spool.keep() }
        }
        for _ in 0..<3_000 {
            let sequence = try spool.append(frame)
            // Some are on their way.
            spool.state.deliveredBelow = max(1, sequence - min(sequence - 1, 10))
            try #require(spool.full == nil)
        }
        #expect(asked > 5)
    }

    @Test("A folder that is gone makes it full for what it is, and not for a disk that is")
    func folderGone() throws {
        let folder = try SpoolFolder(limitBytes: 1 << 20)
        let spool = try folder.open()
        try FileManager.default.removeItem(atPath: folder.path)
        while spool.full == nil { try spool.append(frame) }
        guard case .disk(let error) = spool.full else { throw SetupError("\(spool.full as Any)") }
        #expect(error.kind == .missing)
    }

    @Test("A second process is refused, with the first one's id")
    func locked() throws {
        let folder = try SpoolFolder()
        let spool = try folder.open()
        let error = #expect(throws: SpoolError.self) { _ = try folder.open() }
        #expect(error?.kind == .inUse && error?.description.contains("process \(getpid())") == true)
        _ = spool.nextSequence
    }

    @Test("Cut at any byte, a segment gives the frames that are whole, and goes on behind them")
    func tornTail() throws {
        let folder = try SpoolFolder(limitBytes: 64 << 10)
        var spool: Spool? = try folder.open()
        let frames = (0..<6).map { [UInt8](repeating: UInt8($0 + 1), count: $0 * 5) }
        var ends: [Int] = []
        for frame in frames {
            _ = try spool?.append(frame)
            ends.append(try #require(spool?.tail))
        }
        spool = nil
        let file = try folder.segments()[0]
        let files = try [file, "\(folder.path)/state"].map { ($0, try Data(contentsOf: URL(filePath: $0))) }
        for cut in SegmentHeader.bytes...(ends.last ?? 0) {
            for segment in try folder.segments() { try FileManager.default.removeItem(atPath: segment) }
            for (path, bytes) in files { try bytes.write(to: URL(filePath: path)) }
            try SpoolFolder.change(file) { bytes in for index in cut..<bytes.count { bytes[index] = 0 } }
            let spool = try folder.open()
            let whole = ends.count { $0 <= cut }
            // A frame whose last bytes are zeroes of the padding is whole before its end.
            let read = try spool.read().map(\.frame)
            #expect(read.count >= whole && read == Array(frames.prefix(read.count)))
            // The state knew of all six.
            #expect(try spool.append([9]) == 7)
            #expect(try spool.read().map(\.frame) == Array(frames.prefix(read.count)) + [[9]])
        }
    }

    @Test("A segment without frames gives way to a larger one when the largest frame may be larger now")
    func largerFrames() throws {
        let folder = try SpoolFolder()
        _ = try folder.open()
        let spool = try folder.open(Spool.Limits(bytes: 64 << 20, frameBytes: 4_000_000, readBytes: 0))
        let large = [UInt8](repeating: 7, count: 3_900_000)
        for _ in 1...5 { try spool.append(large) }
        #expect(try spool.read().map(\.frame.count) == [Int](repeating: large.count, count: 5))
        #expect(try spool.read().allSatisfy { $0.hole == nil })
        #expect(try Set(folder.segments()).count == spool.catalogue.count)
        spool.state.deliveredBelow = spool.nextSequence
        try spool.keep()
        #expect(try folder.segments() == [spool.active.path])
    }

    @Test("Damage in the middle costs the frames that it hits; the others are read, and the file is kept")
    func damage() throws {
        let folder = try SpoolFolder(limitBytes: 1 << 20)
        var spool: Spool? = try folder.open()
        for time in 1...200 as ClosedRange<UInt64> { _ = try spool?.append(frame, received: time) }
        spool = nil
        let size = SpoolRecord.size(frameBytes: frame.count)
        let first = try folder.segments()[0]
        try SpoolFolder.change(first) { $0[SegmentHeader.bytes + 10 * size + 500] ^= 1 }
        let next = try folder.open()
        try next.append([1], received: 300)
        let frames = try next.read()
        #expect(frames.map(\.sequence) == Array(1...10) + Array(12...201))
        #expect(frames[10].gap == GapStart(from: 10, reason: .spoolDamaged))
        #expect(frames[10].hole == .init(sequences: 11..<12, damagedFile: first))
        #expect(frames.count { $0.hole != nil } == 1)
        next.state.deliveredBelow = next.nextSequence
        try next.keep()
        #expect(try folder.names { $0.hasSuffix(".corrupt") } == [first + ".corrupt"])
    }

    @Test(
        "What the disk cannot read costs the frames that it hits, in whichever segment, and ends no process",
        arguments: [(0, 1, 1...2), (1, 1, 1...2), (3, 1, 1...2), (0, 0, 0...1), (3, 0, 0...1)])
    func unreadable(_ index: Int, _ page: Int, _ lost: ClosedRange<UInt64>) throws {
        let folder = try SpoolFolder(limitBytes: 1 << 20)
        var spool: Spool? = try folder.open()
        for time in 1...320 as ClosedRange<UInt64> { _ = try spool?.append(frame, received: time) }
        spool = nil
        let file = try folder.segments()[index]
        let first = try #require(UInt64(file.suffix(28).prefix(20)))
        let next = try folder.open(readBlock: BlockReader.failing(file, page * 4_096..<page * 4_096 + 1))
        try next.append([1], received: 400)
        let frames = try next.read()
        let hole = first + lost.lowerBound..<first + lost.upperBound + 1
        #expect(frames.map(\.sequence) == Array(1..<hole.lowerBound) + Array(hole.upperBound...321))
        #expect(frames.compactMap(\.hole) == [.init(sequences: hole, damagedFile: file)])
        let behind = try #require(frames.first { $0.hole != nil })
        #expect(behind.gap?.reason == .spoolDamaged && behind.received == hole.upperBound)
        #expect(frames.dropLast().allSatisfy { $0.frame == frame })
        next.state.deliveredBelow = next.nextSequence
        try next.keep()
        #expect(try folder.names { $0.hasSuffix(".corrupt") } == [file + ".corrupt"])
    }

    @Test("A state that the disk cannot read is refused with a word, as one that is damaged")
    func unreadableState() throws {
        let folder = try SpoolFolder()
        _ = try folder.open()
        let error = #expect(throws: SpoolError.self) {
            _ = try folder.open(readBlock: BlockReader.failing("\(folder.path)/state", 0..<1))
        }
        #expect(error?.kind == .unusable && error?.description.contains("/state is missing or damaged") == true)
    }

    @Test("A segment with a damaged header is read all the same; one that is gone is a hole")
    func header() throws {
        let folder = try SpoolFolder(limitBytes: 1 << 20)
        var spool: Spool? = try folder.open()
        for time in 1...320 as ClosedRange<UInt64> { _ = try spool?.append(frame, received: time) }
        spool = nil
        let segments = try folder.segments()
        try SpoolFolder.change(segments[0]) { $0[3] = 0 }
        try FileManager.default.removeItem(atPath: segments[1])
        let next = try folder.open()
        let frames = try next.read()
        let missing = try #require(frames.compactMap(\.hole).last)
        #expect(frames.compactMap(\.hole).count == 1 && frames.count == 320 - missing.sequences.count)
        #expect(frames.last?.sequence == 320 && missing.sequences.count > 80)
    }

    @Test("A segment that somebody removes while it waits is a gap, and what is behind it is sent")
    func removedByHand() throws {
        let folder = try SpoolFolder(limitBytes: 1 << 20)
        let spool = try folder.open()
        for time in 1...320 as ClosedRange<UInt64> { try spool.append(frame, received: time) }
        let segments = try folder.segments()
        var cursor = SpoolCursor(spool)
        _ = try cursor.peek(in: spool)
        for segment in segments[1..<segments.count - 1] { try FileManager.default.removeItem(atPath: segment) }
        var frames: [ReadFrame] = []
        while let item = try cursor.peek(in: spool) {
            frames.append(ReadFrame(item))
            cursor.advance()
        }
        let hole = try #require(frames.compactMap(\.hole).first)
        #expect(
            frames.compactMap(\.hole).count == 1 && segments[1..<segments.count - 1].contains(hole.damagedFile ?? ""))
        #expect(frames.map(\.sequence) == Array(1..<hole.sequences.lowerBound) + Array(hole.sequences.upperBound...320))
        let behind = try #require(frames.first { $0.hole != nil })
        #expect(behind.gap == GapStart(from: hole.sequences.lowerBound - 1, reason: .spoolDamaged))
        // Also for a cursor that begins in it.
        spool.state.deliveredBelow = hole.sequences.lowerBound
        #expect(try spool.read().first?.hole == hole)
    }

    @Test(
        "Whatever is appended, delivered, killed and opened again: nothing is lost, doubled or changed",
        arguments: 0..<20)
    func random(_ seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SplitMix64(seed: seed)
        let folder = try SpoolFolder(limitBytes: 2 << 20, frameBytes: 100_000)
        var spool: Spool? = try folder.open()
        var model: [(sequence: UInt64, frame: [UInt8], gap: GapStart?)] = []
        for step in 0..<600 {
            switch Int.random(in: 0..<100, using: &generator) {
            case 0..<80:
                let size = Int.random(in: 0..<(step % 10 == 0 ? 100_000 : 2_000), using: &generator)
                let frame = [UInt8](repeating: .random(in: .min ... .max, using: &generator), count: size)
                let gap = Int.random(in: 0..<9, using: &generator) == 0 ? GapStart(from: 3, reason: .disconnect) : nil
                if let sequence = try? spool?.append(frame, received: UInt64(step + 4), gap: gap) {
                    model.append((sequence, frame, gap))
                }
            case 80..<90:
                let count = Int.random(in: 0...model.count, using: &generator)
                model.removeFirst(count)
                spool?.state.deliveredBelow = model.first?.sequence ?? spool?.nextSequence ?? 1
            case 90..<95: try spool?.keep()
            default:
                spool = nil  // the lock goes with it
                spool = try folder.open()
            }
        }
        let end = try #require(spool)
        let read = try end.read()
        #expect(read.map(\.sequence) == model.map(\.sequence) && read.map(\.frame) == model.map(\.frame))
        #expect(read.map(\.gap) == model.map(\.gap) && read.allSatisfy { $0.hole == nil })
        #expect(end.catalogue.bytes <= 2 << 20)
    }
}
