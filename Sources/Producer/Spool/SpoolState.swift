import Glibc
import Market
import Synchronization

/// What a spool knows beside its records: one page of memory that is a file as well.
///
/// ```
///   0  8 bytes  "TICKSPL1"
///   8  u64      CRC-32C of the name's 256 bytes
///  16  256      name of the producer, with zeroes behind it
/// 512  u64 …    the numbers of `Field`, in its order
/// 1024 u64 …    gaps that their topic does not have yet, see `PendingGap`
/// ```
///
/// A number is stored as a whole, without a system call, and survives the end of the process; only a
/// crash of the machine can set it back to what ``synchronize()`` wrote. Any thread may use it.
final class SpoolState: @unchecked Sendable {
    /// As in the header `producer` of the records.
    let producer: String
    private let page: UnsafeMutableRawPointer
    private let descriptor: Int32
    private let path: String

    private enum Field: Int {
        case deliveredBelow, lastSequence, lastReceived, reservedBelow, releasedUntil, isClean, bootHigh, bootLow
    }

    static let bytes = 4_096
    private static let magic = UInt64(littleEndian: 0x314C_5053_4B43_4954)
    private static let name = 16..<272
    private static let numbers = 512
    private static let pendingGaps = 1_024

    /// Opens the state of a spool, or makes that of a new one.
    ///
    /// - Parameter producerID: the name of a new spool's producer begins with it.
    init(in directory: SpoolDirectory, producerID: String) throws(SpoolError) {
        let path = "\(directory.path)/state"
        self.path = path
        var descriptor = open(path, O_RDWR | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT {
            guard directory.segments().isEmpty else { throw damaged(path) }
            descriptor = try directory.create(path, bytes: Self.bytes) { (descriptor) throws(SpoolError) in
                try Self.initialize(descriptor, path, producer: "\(producerID)-\(randomDigits())")
            }
            try directory.synchronize()
        }
        guard descriptor >= 0 else { throw SpoolError(errno, path) }
        self.descriptor = descriptor
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size == Self.bytes else { throw damaged(path) }
        guard let page = mmap(nil, Self.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), page != MAP_FAILED
        else { throw SpoolError(errno, path) }
        self.page = page
        let bytes = UnsafeRawBufferPointer(start: page, count: Self.bytes)
        guard let producer = Self.producer(bytes) else { throw damaged(path) }
        self.producer = producer
    }

    deinit {
        munmap(page, Self.bytes)
        close(descriptor)
    }

    /// Every record below this sequence is delivered.
    var deliveredBelow: UInt64 {
        get { max(1, self[.deliveredBelow]) }
        set { self[.deliveredBelow] = newValue }
    }

    /// The sequence of the last record; 0 when there was none.
    var lastSequence: UInt64 {
        get { self[.lastSequence] }
        set { self[.lastSequence] = newValue }
    }

    /// How many sequences are not known to be delivered.
    var waitingFrames: UInt64 {
        // Read in this order, a record that is delivered in between cannot make it negative.
        let delivered = deliveredBelow
        return max(delivered, lastSequence + 1) - delivered
    }

    /// When that record was received: microseconds since 1970.
    var lastReceived: UInt64 {
        get { self[.lastReceived] }
        set { self[.lastReceived] = newValue }
    }

    /// No sequence from here on was ever used, not even by a process that a crash of the machine made us
    /// forget. On the disk before the first of them is used.
    var reservedBelow: UInt64 {
        get { self[.reservedBelow] }
        set { self[.reservedBelow] = newValue }
    }

    /// All that was received until then is delivered, and its segments are removed.
    var releasedUntil: UInt64 {
        get { self[.releasedUntil] }
        set { self[.releasedUntil] = newValue }
    }

    /// The process before this one synchronized everything before it ended.
    var isClean: Bool {
        get { self[.isClean] == 1 }
        set { self[.isClean] = newValue ? 1 : 0 }
    }

    /// True when the machine was started since the spool was used: what was not synchronized may be gone.
    var isFromEarlierBoot: Bool {
        let boot = currentBoot()
        return self[.bootHigh] != boot.high || self[.bootLow] != boot.low
    }

    func enterBoot() {
        let boot = currentBoot()
        (self[.bootHigh], self[.bootLow]) = (boot.high, boot.low)
    }

    /// Writes it to the disk; blocks.
    func synchronize() throws(SpoolError) {
        guard fdatasync(descriptor) == 0 else { throw SpoolError(errno, path) }
    }

    /// Room for ``PendingGap/limit`` gaps.
    var pendingGapSlots: UnsafeMutableRawPointer { page + Self.pendingGaps }

    private subscript(field: Field) -> UInt64 {
        get { pointer(field).pointee.load(ordering: .acquiring) }
        set { pointer(field).pointee.store(newValue, ordering: .releasing) }
    }

    private func pointer(_ field: Field) -> UnsafeMutablePointer<Atomic<UInt64>> {
        (page + Self.numbers + field.rawValue * 8).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    private static func initialize(_ descriptor: Int32, _ path: String, producer: String) throws(SpoolError) {
        var words = [UInt64](repeating: 0, count: bytes / 8)
        let result = words.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: magic, as: UInt64.self)
            bytes[name.lowerBound...].copyBytes(from: producer.utf8)
            let crc = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[name]))
            bytes.storeBytes(of: UInt64(crc), toByteOffset: 8, as: UInt64.self)
            // Sequences begin with 1.
            bytes.storeBytes(of: 1, toByteOffset: numbers + Field.deliveredBelow.rawValue * 8, as: UInt64.self)
            return pwrite(descriptor, bytes.baseAddress, bytes.count, 0)
        }
        guard result == bytes, fsync(descriptor) == 0 else { throw SpoolError(errno, path) }
    }

    private static func producer(_ bytes: UnsafeRawBufferPointer) -> String? {
        let field = UnsafeRawBufferPointer(rebasing: bytes[name])
        let text = UnsafeRawBufferPointer(rebasing: field.prefix { $0 != 0 })
        guard bytes.load(as: UInt64.self) == magic, Gap.isValidProducer(text),
            bytes.load(fromByteOffset: 8, as: UInt64.self) == UInt64(CRC32C.checksum(field))
        else { return nil }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Nothing can be sent without knowing what was sent before, so a person has to decide.
private func damaged(_ path: String) -> SpoolError {
    SpoolError(
        .unusable,
        "SPOOL_DIRECTORY: \(path) is missing or damaged: move the folder away, which begins a new spool, or restore it")
}

/// 16 hexadecimal digits that no other spool has.
private func randomDigits() -> String {
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

/// The identity of this start of the machine.
private func currentBoot() -> (high: UInt64, low: UInt64) {
    var text = [UInt8](repeating: 0, count: 64)
    let descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return (0, 0) }
    defer { close(descriptor) }
    let count = read(descriptor, &text, text.count)
    let digits = text.prefix(max(0, count)).filter { $0 != UInt8(ascii: "-") }.prefix(32)
    let number = { (part: ArraySlice<UInt8>) in UInt64(String(decoding: part, as: UTF8.self), radix: 16) ?? 0 }
    return (number(digits.prefix(16)), number(digits.dropFirst(16)))
}
