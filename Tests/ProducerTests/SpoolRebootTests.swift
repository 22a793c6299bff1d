import Foundation
import Glibc
import Market
import Testing

@testable import Producer

/// What a crash of the machine leaves behind: the numbers that the disk knew, and not those of the last moments.
@Suite("The spool after a crash of the machine")
struct SpoolRebootTests {
    private let frame = [UInt8](repeating: 7, count: 3_000)
    private static let first = BootIdentity(high: 1, low: 1)
    private static let second = BootIdentity(high: 1, low: 2)
    private static let crashes: [(BootIdentity?, BootIdentity?)] = [
        (first, second), (nil, nil), (first, nil), (nil, first),
    ]

    /// A spool of ten delivered frames whose process did not come to its end.
    private func crashed(_ boot: BootIdentity? = Self.first, isClean: Bool = false) throws -> SpoolFolder {
        let folder = try SpoolFolder()
        let spool = try folder.open(boot: boot)
        for _ in 0..<10 { try spool.append([1], received: 5) }
        spool.state.deliveredBelow = 11
        spool.state.isClean = isClean
        return folder
    }

    // MARK: - Sequences

    @Test(
        "No sequence is used twice, also when the start of the machine cannot be told",
        arguments: crashes)
    func rebooted(_ before: BootIdentity?, _ after: BootIdentity?) throws {
        let folder = try crashed(before)
        let next = try folder.open(boot: after)
        let sequence = try next.append([2], received: 9)
        #expect(sequence > 1_000_000)
        #expect(try next.read().map(\.hole) == [.init(sequences: 11..<sequence, damagedFile: nil)])
        #expect(try next.read()[0].gap == nil)
    }

    @Test("After a process that wrote everything to the disk they go on one by one", arguments: crashes)
    func clean(_ before: BootIdentity?, _ after: BootIdentity?) throws {
        let folder = try crashed(before, isClean: true)
        #expect(try folder.open(boot: after).append([2]) == 11)
    }

    @Test("So they do after a process that was killed, while the machine runs on")
    func killed() throws { #expect(try crashed().open(boot: Self.first).append([2]) == 11) }

    @Test("A start that ends before its first frame does not make the next one forget the step", arguments: [1, 5])
    func startedTwice(_ starts: Int) throws {
        let folder = try crashed()
        for _ in 0..<starts { _ = try folder.open(boot: Self.second) }
        let next = try folder.open(boot: Self.second)
        let sequence = try next.append(frame, received: 9)
        #expect(sequence > 1_000_000)
        for _ in 0..<3_000 { try next.append(frame, received: 9) }
        #expect(try next.read().map(\.sequence) == Array(sequence...sequence + 3_000))
        let files = try folder.segments()
        #expect(files.count > 3)
        next.state.deliveredBelow = next.nextSequence
        try next.keep()
        #expect(try folder.segments() == files.suffix(1))
    }

    @Test("Nor does a disk that damages the segment that the step made")
    func damagedStep() throws {
        let folder = try crashed()
        _ = try folder.open(boot: Self.second)
        let step = try #require(try folder.segments().last)
        try SpoolFolder.change(step) { $0[0] ^= 1 }
        let next = try folder.open(boot: Self.second)
        let sequence = try next.append([2])
        #expect(sequence > 1_000_000)
        #expect(try next.read().map(\.sequence) == [sequence])
        #expect(try folder.names { $0.hasSuffix(".corrupt") } == [step + ".corrupt"])
    }

    // MARK: - Room

    @Test("Starts that come to nothing leave no segments behind, also when the start of the machine cannot be told")
    func crashLoop() throws {
        let folder = try crashed(nil)
        var sequences: [UInt64] = []
        for _ in 0..<20 {
            let spool = try folder.open(boot: nil)
            #expect(try folder.segments().count == 2)
            sequences.append(spool.nextSequence)
        }
        #expect(Set(sequences).count == 20 && sequences == sequences.sorted())
    }

    @Test("Starts that come to one frame each take no more room than their frames")
    func slowCrashLoop() throws {
        let folder = try crashed(nil)
        let limits = Spool.Limits(bytes: 64 << 20, frameBytes: 4_000)
        var sequences: [UInt64] = []
        for _ in 0..<20 { sequences.append(try folder.open(boot: nil).append([2])) }
        let spool = try folder.open(boot: nil)
        #expect(spool.catalogue.bytes < limits.segmentBytes + 21 * 4_096)
        #expect(try spool.read().map(\.sequence) == sequences)
        #expect(try spool.read().allSatisfy { $0.hole?.damagedFile == nil })
    }

    // MARK: - Frames

    @Test("Frames that the machine lost are told as a gap")
    func lost() throws {
        let folder = try SpoolFolder()
        do {
            let spool = try folder.open()
            for time in 1...10 as ClosedRange<UInt64> { try spool.append([1], received: time) }
        }
        // The pages of the last frames were never written.
        try SpoolFolder.change(try folder.segments()[0]) { bytes in
            for index in SegmentHeader.bytes + 7 * 48..<bytes.count { bytes[index] = 0 }
        }
        let next = try folder.open(boot: Self.second)
        try next.append([2], received: 20, gap: GapStart(from: 10, reason: .restart))
        let frames = try next.read()
        #expect(frames.map(\.received) == [1, 2, 3, 4, 5, 6, 7, 20])
        #expect(frames[7].gap == GapStart(from: 7, reason: .restart))
        #expect(frames[7].hole?.sequences.lowerBound == 8 && frames[7].hole?.damagedFile != nil)
    }

    @Test("So are all frames of a segment of which nothing was written")
    func lostSegment() throws {
        let folder = try SpoolFolder()
        do {
            let spool = try folder.open()
            for time in 1...10 as ClosedRange<UInt64> { try spool.append([1], received: time) }
        }
        let file = try folder.segments()[0]
        try SpoolFolder.change(file) { bytes in
            for index in SegmentHeader.bytes..<bytes.count { bytes[index] = 0 }
        }
        let next = try folder.open(boot: Self.second)
        try next.append([2], received: 20, gap: GapStart(from: 10, reason: .restart))
        let frames = try next.read()
        #expect(frames.map(\.received) == [20] && frames[0].hole?.sequences.lowerBound == 1)
        #expect(frames[0].hole?.damagedFile == file)
    }

    // MARK: - The reservation

    @Test("Without a reservation that the disk took there is no next segment; it is tried again")
    func reservation() throws {
        let folder = try SpoolFolder(limitBytes: 1 << 20)
        let spool = try folder.open()
        let reserved = spool.nextSequence + 1_000
        spool.state.reservedBelow = reserved
        let path = "\(folder.path)/state"
        let state = try descriptor(of: path)
        // A pipe cannot be written to any disk.
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let saved = dup(state)
        defer { for descriptor in ends + [saved] { close(descriptor) } }
        try #require(dup2(ends[0], state) == state)
        while spool.full == nil { try spool.append([UInt8](repeating: 7, count: 3_000)) }
        for _ in 0..<2 {
            spool.makeRoom()
            #expect(spool.full == .disk(SpoolError(EINVAL, path)) && spool.catalogue.count == 1)
            #expect(spool.state.reservedBelow == reserved && spool.nextSequence < reserved)
        }
        try #require(dup2(saved, state) == state)
        spool.makeRoom()
        #expect(spool.full == nil && spool.catalogue.count == 2 && spool.state.reservedBelow > 1_000_000)
    }

    /// That of this process which is open for the file.
    private func descriptor(of path: String) throws -> Int32 {
        let real = URL(filePath: path).resolvingSymlinksInPath().path
        let descriptor = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
            .first { (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == real }
        return try #require(descriptor)
    }
}
