import Glibc

/// A segment's file in memory. What is written there is the kernel's: the end of the process loses
/// nothing of it. Used by one thread.
final class MappedSegment {
    let path: String
    /// nil when it is damaged.
    let header: SegmentHeader?
    /// By the header or, when that is damaged, by the file's name.
    let firstSequence: UInt64
    /// Part of the file cannot be read: there are zeroes in its place, in a copy of the rest.
    let isUnreadable: Bool
    private let memory: UnsafeMutableRawPointer
    private var count: Int
    private let mappedCount: Int
    private var ownsMemory = true

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

    /// Makes a segment with nothing in it.
    init(creating header: SegmentHeader, bytes: Int, in directory: SpoolDirectory) throws(SpoolError) {
        path = directory.segmentPath(firstSequence: header.firstSequence)
        var memory: UnsafeMutableRawPointer?
        let descriptor = try directory.create(path, bytes: bytes) { (descriptor) throws(SpoolError) in
            let mapping = try map(descriptor, bytes, "\(directory.path)")
            header.write(to: mapping)
            memory = mapping
        }
        close(descriptor)
        guard let memory else { throw SpoolError(EIO, path) }
        self.memory = memory
        (count, mappedCount) = (bytes, bytes)
        isUnreadable = false
        self.header = header
        firstSequence = header.firstSequence
    }

    /// - Parameter firstSequence: what the file's name says.
    ///
    /// All of the file is read once, since a mapped page that the disk cannot read ends the process with SIGBUS, and
    /// the next one likewise.
    init(opening path: String, firstSequence: UInt64, in directory: SpoolDirectory) throws(SpoolError) {
        self.path = path
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw SpoolError(errno, path) }
        defer { close(descriptor) }
        count = try fileBytes(descriptor, path)
        // Nothing cannot be mapped; one zero word reads as a segment that is damaged from its start.
        mappedCount = max(count, 8)
        let reader = BlockReader(descriptor, bytes: count, directory.readBlock)
        isUnreadable = !reader.canReadAll()
        memory = try isUnreadable ? map(-1, mappedCount, path) : map(descriptor, mappedCount, path)
        if isUnreadable { reader.copyReadable(to: memory) }
        let bytes = UnsafeRawBufferPointer(start: memory, count: count)
        header = SegmentHeader(bytes).flatMap { $0.firstSequence == firstSequence ? $0 : nil }
        self.firstSequence = firstSequence
    }

    /// How the catalogue lists a segment of which no more than the header is to be read.
    static func entry(
        of path: String, firstSequence: UInt64, in directory: SpoolDirectory
    ) throws(SpoolError) -> SegmentCatalogue.Entry {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SpoolError(errno, path) }
        defer { close(descriptor) }
        var words = [UInt64](repeating: 0, count: SegmentHeader.bytes / 8)
        let header = words.withUnsafeMutableBytes { words in
            directory.readBlock(descriptor, words, 0) == words.count
                ? SegmentHeader(UnsafeRawBufferPointer(words)) : nil
        }
        return SegmentCatalogue.Entry(
            firstSequence: firstSequence, path: path, bytes: try fileBytes(descriptor, path),
            createdMicroseconds: header.flatMap { $0.firstSequence == firstSequence ? $0.createdMicroseconds : nil }
                ?? 0)
    }

    /// Gives back the room behind the last record; nothing more may be written.
    ///
    /// - Returns: how large the file is now.
    func cut(to bytes: Int) -> Int {
        // Where it is not possible it stays as large as it is, which harms nobody.
        if truncate(path, off_t(bytes)) == 0 { count = bytes }
        return count
    }

    /// Makes the same room on the disk a segment with nothing in it. This object is not to be used again.
    ///
    /// In between the file has the name of one that is being made, which the next start removes.
    func reused(as header: SegmentHeader, in directory: SpoolDirectory) throws(SpoolError) -> MappedSegment {
        let path = directory.segmentPath(firstSequence: header.firstSequence)
        guard rename(self.path, path + SpoolDirectory.newSuffix) == 0 else { throw SpoolError(errno, self.path) }
        memset(memory, 0, count)
        header.write(to: memory)
        guard rename(path + SpoolDirectory.newSuffix, path) == 0 else {
            let error = SpoolError(errno, path)
            // Under its old name it is a segment with nothing left in it, and can be tried again.
            self.header?.write(to: memory)
            rename(path + SpoolDirectory.newSuffix, self.path)
            throw error
        }
        return MappedSegment(takingOver: self, as: header, path)
    }

    /// The same memory under another name, without a system call that could fail.
    private init(takingOver segment: MappedSegment, as header: SegmentHeader, _ path: String) {
        self.path = path
        self.header = header
        firstSequence = header.firstSequence
        isUnreadable = false
        (memory, count, mappedCount) = (segment.memory, segment.count, segment.mappedCount)
        segment.ownsMemory = false
    }

    deinit { if ownsMemory { munmap(memory, mappedCount) } }

    /// How the records are spread over partitions; nil until the first one is sent.
    var spread: Spread? {
        get { count < SegmentHeader.bytes ? nil : SegmentHeader.spread(bytes) }
        set { if count >= SegmentHeader.bytes, let newValue { SegmentHeader.setSpread(newValue, in: memory) } }
    }

    /// How the catalogue lists it.
    var entry: SegmentCatalogue.Entry {
        SegmentCatalogue.Entry(
            firstSequence: firstSequence, path: path, bytes: count,
            createdMicroseconds: header?.createdMicroseconds ?? 0)
    }

    func room(at offset: Int) -> UnsafeMutableRawPointer { memory + offset }
}

private func fileBytes(_ descriptor: Int32, _ path: String) throws(SpoolError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw SpoolError(errno, path) }
    return Int(status.st_size)
}

/// - Parameter descriptor: -1 for memory that is no file.
private func map(_ descriptor: Int32, _ bytes: Int, _ path: String) throws(SpoolError) -> UnsafeMutableRawPointer {
    let kind = descriptor < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED
    guard let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, kind, descriptor, 0), memory != MAP_FAILED
    else { throw SpoolError(errno, path) }
    return memory
}
