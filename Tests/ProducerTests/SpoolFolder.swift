import Foundation
import Glibc
import Logging

@testable import Producer

/// A spool in a folder of its own that goes away with this object; opened and closed as processes would.
final class SpoolFolder {
    let path: String
    private let limits: Spool.Limits

    /// - Parameter readBytes: how much is read from the socket at once.
    init(limitBytes: Int = 64 << 20, frameBytes: Int = 4_000, readBytes: Int = 0) throws {
        path = FileManager.default.temporaryDirectory.appending(path: "spool-\(UUID())").path
        limits = Spool.Limits(bytes: limitBytes, frameBytes: frameBytes, readBytes: readBytes)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// - Parameter boot: the start of the machine that the process would see; nil for one that it cannot tell.
    func open(
        _ limits: Spool.Limits? = nil, boot: BootIdentity? = BootIdentity(high: 1, low: 1),
        readBlock: @escaping BlockReader.ReadBlock = BlockReader.fromDisk
    ) throws -> Spool {
        let directory = try SpoolDirectory(path, readBlock: readBlock)
        let state = try SpoolState(in: directory, producerID: "test", boot: boot)
        return try Spool(directory, state, limits ?? self.limits)
    }

    /// The files of the segments, in their order.
    func segments() throws -> [String] { try names { $0.hasSuffix(".segment") } }

    func names(where matches: (String) -> Bool) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).filter(matches).sorted().map { "\(path)/\($0)" }
    }

    /// Sets a spool's state back, as a crash of the machine can: nothing is known to be delivered.
    static func forgetDeliveries(in spool: String) throws {
        try change("\(spool)/state") { bytes in
            let word = CheckedNumber.word(1, place: SpoolState.Field.deliveredBelow.rawValue)
            bytes.replaceSubrange(512..<520, with: withUnsafeBytes(of: word, Array.init))
        }
    }

    /// Lets a spool's last process be one of before the machine crashed.
    static func forgetBoot(in spool: String) throws {
        try change("\(spool)/state") { $0[SpoolState.bootWords] ^= 1 }
    }

    /// Changes a file's bytes, as a bad disk would.
    static func change(_ file: String, _ body: (inout [UInt8]) -> Void) throws {
        var bytes = Array(try Data(contentsOf: URL(filePath: file)))
        body(&bytes)
        let handle = try FileHandle(forWritingTo: URL(filePath: file))
        try handle.truncate(atOffset: UInt64(bytes.count))
        try handle.seek(toOffset: 0)
        try handle.write(contentsOf: bytes)
        try handle.close()
    }
}

extension BlockReader {
    /// A disk that cannot read these bytes of a file.
    static func failing(_ file: String, _ bytes: Range<Int>) -> ReadBlock {
        { descriptor, block, offset in
            let name = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
            guard name == file, bytes.overlaps(offset..<offset + block.count) else {
                return fromDisk(descriptor, block, offset)
            }
            errno = EIO
            return -1
        }
    }
}

extension Spool {
    /// As its user does: a frame, and then a look ahead.
    @discardableResult
    func append(_ frame: [UInt8], received: UInt64 = 1, gap: GapStart? = nil) throws -> UInt64 {
        let outcome = frame.withUnsafeBytes { bytes in
            Result { () throws(Full) in try append(bytes, receivedMicroseconds: received, gap: gap) }
        }
        let sequence = try outcome.get()
        if full == nil { makeRoom() }
        return sequence
    }

    /// Everything that would be sent now, from the first that is not delivered.
    func read() throws -> [ReadFrame] {
        var cursor = SpoolCursor(self)
        var frames: [ReadFrame] = []
        while let item = try cursor.peek(in: self) {
            frames.append(ReadFrame(item))
            cursor.advance()
        }
        return frames
    }

    /// What its keeper does from time to time.
    func keep() throws {
        try SpoolKeeper(directory, state, catalogue, interval: .seconds(1), logger: .init(label: "test")).keep()
    }
}

struct ReadFrame: Equatable {
    let sequence: UInt64
    let received: UInt64
    let gap: GapStart?
    let frame: [UInt8]
    let hole: SpoolCursor.Hole?

    init(_ item: SpoolCursor.Item) {
        sequence = item.record.sequence
        received = item.record.receivedMicroseconds
        gap = item.record.gap
        frame = Array(item.record.frame)
        hole = item.hole
    }
}
