import Glibc

/// A segment's file in memory. What is written there is the kernel's: the end of the process loses
/// nothing of it. Used by one thread.
final class MappedSegment {
    let path: String
    /// nil when it is damaged.
    let header: SegmentHeader?
    /// By the header or, when that is damaged, by the file's name.
    let firstSequence: UInt64
    private let memory: UnsafeMutableRawPointer
    private let count: Int
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
        count = bytes
        self.header = header
        firstSequence = header.firstSequence
    }

    /// - Parameter firstSequence: what the file's name says.
    init(opening path: String, firstSequence: UInt64) throws(SpoolError) {
        self.path = path
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw SpoolError(errno, path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SpoolError(errno, path) }
        count = Int(status.st_size)
        // Nothing cannot be mapped; one zero word reads as a segment that is damaged from its start.
        memory = try map(descriptor, max(count, 8), path)
        let bytes = UnsafeRawBufferPointer(start: memory, count: count)
        header = SegmentHeader(bytes).flatMap { $0.firstSequence == firstSequence ? $0 : nil }
        self.firstSequence = firstSequence
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
        (memory, count) = (segment.memory, segment.count)
        segment.ownsMemory = false
    }

    deinit { if ownsMemory { munmap(memory, max(count, 8)) } }

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

private func map(_ descriptor: Int32, _ bytes: Int, _ path: String) throws(SpoolError) -> UnsafeMutableRawPointer {
    guard let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
    else { throw SpoolError(errno, path) }
    return memory
}
