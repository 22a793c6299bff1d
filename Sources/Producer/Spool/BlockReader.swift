import Glibc

/// Reads a file as far as the disk can.
struct BlockReader {
    /// As `pread`: how many bytes came, or -1.
    typealias ReadBlock =
        @Sendable (
            _ descriptor: Int32, _ block: UnsafeMutableRawBufferPointer, _ offset: Int
        ) -> Int

    /// The kernel's.
    static let fromDisk: ReadBlock = { descriptor, block, offset in
        pread(descriptor, block.baseAddress, block.count, off_t(offset))
    }

    private let descriptor: Int32
    private let bytes: Int
    private let readBlock: ReadBlock

    private static let largeBlock = 1 << 18
    /// What is lost with a sector that cannot be read: the kernel reads pages.
    private static let smallBlock = 1 << 12

    init(_ descriptor: Int32, bytes: Int, _ readBlock: @escaping ReadBlock) {
        self.descriptor = descriptor
        self.bytes = bytes
        self.readBlock = readBlock
    }

    /// What was read is in the page cache afterwards.
    func canReadAll() -> Bool {
        withUnsafeTemporaryAllocation(byteCount: Self.largeBlock, alignment: 8) { block in
            stride(from: 0, to: bytes, by: Self.largeBlock).allSatisfy { offset in
                let count = min(Self.largeBlock, bytes - offset)
                return readBlock(descriptor, UnsafeMutableRawBufferPointer(rebasing: block[..<count]), offset) == count
            }
        }
    }

    /// - Parameter memory: zeroes, and room for all of the file.
    func copyReadable(to memory: UnsafeMutableRawPointer) {
        for offset in stride(from: 0, to: bytes, by: Self.smallBlock) {
            let block = UnsafeMutableRawBufferPointer(
                start: memory + offset, count: min(Self.smallBlock, bytes - offset))
            // Zeroes behind what came, whatever a read that failed left there.
            let count = max(0, readBlock(descriptor, block, offset))
            block[count...].withMemoryRebound(to: UInt8.self) { $0.update(repeating: 0) }
        }
    }
}
