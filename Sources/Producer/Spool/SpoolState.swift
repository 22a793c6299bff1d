import Glibc
import Market
import Synchronization

/// What a spool knows beside its records: one page of memory that is a file as well.
///
/// ```
///   0  8 bytes  "TICKSPL2"; see `SpoolState.upgrade` for what "TICKSPL1" means
///   8  u64      CRC-32C of the name's 256 bytes
///  16  256      name of the producer, with zeroes behind it
/// 512  u64 …    the numbers of `Field`, in its order, each as a `CheckedNumber`
/// 560  2 u64    the start of the machine, see `BootIdentity`; 0 when it is not known
/// 1024 u64 …    gaps that their topic does not have yet, see `PendingGap`
/// ```
///
/// A number is stored as a whole, without a system call, and survives the end of the process; only a
/// crash of the machine can set it back to what ``synchronize()`` wrote. Any thread may use it.
final class SpoolState: @unchecked Sendable {
    /// As in the header `producer` of the records.
    let producer: String
    private let boot: BootIdentity?
    private let page: UnsafeMutableRawPointer
    private let descriptor: Int32
    private let path: String

    /// In the order of their places.
    enum Field: Int, CaseIterable {
        case deliveredBelow, lastSequence, lastReceived, reservedBelow, releasedUntil, isClean
    }

    /// At 2,000 frames a second no spool gets there in 35,000 years: a larger one was never written by us.
    static let largestSequence: UInt64 = 1 << 51
    static let bytes = 4_096
    static let name = 16..<272
    static let numbers = 512
    static let bootWords = 560
    private static let pendingGaps = 1_024

    /// Opens the state of a spool, or makes that of a new one.
    ///
    /// - Parameters:
    ///   - producerID: the name of a new spool's producer begins with it.
    ///   - boot: this start of the machine; nil when it is not known.
    init(
        in directory: SpoolDirectory, producerID: String, boot: BootIdentity? = .current()
    ) throws(SpoolError) {
        path = "\(directory.path)/state"
        self.boot = boot
        if access(path, F_OK) != 0, errno == ENOENT {
            guard directory.segments().isEmpty else { throw Self.damaged(path) }
            try Self.create(path, Self.contents(producer: "\(producerID)-\(randomDigits())"), in: directory)
        }
        try Self.upgrade(path, in: directory)
        (descriptor, page, producer) = try Self.map(path, in: directory)
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

    /// True when the machine was started since the spool was used, or may have been: what was not synchronized
    /// may be gone.
    var mayBeFromEarlierBoot: Bool {
        guard let boot else { return true }
        return boot != BootIdentity(high: word(Self.bootWords), low: word(Self.bootWords + 8))
    }

    /// The spool is used in this start of the machine.
    func enterBoot() {
        setWord(Self.bootWords, boot?.high ?? 0)
        setWord(Self.bootWords + 8, boot?.low ?? 0)
    }

    /// Writes it to the disk; blocks.
    func synchronize() throws(SpoolError) {
        guard fdatasync(descriptor) == 0 else { throw SpoolError(errno, path) }
    }

    /// Room for ``PendingGap/limit`` gaps.
    var pendingGapSlots: UnsafeMutableRawPointer { page + Self.pendingGaps }

    private subscript(field: Field) -> UInt64 {
        get { CheckedNumber.number(word(field.offset)) }
        set { setWord(field.offset, CheckedNumber.word(newValue, place: field.rawValue)) }
    }

    private func word(_ offset: Int) -> UInt64 { pointer(offset).pointee.load(ordering: .acquiring) }

    private func setWord(_ offset: Int, _ value: UInt64) {
        pointer(offset).pointee.store(value, ordering: .releasing)
    }

    private func pointer(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        (page + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }
}

extension SpoolState.Field {
    /// From the beginning of the page.
    var offset: Int { SpoolState.numbers + rawValue * 8 }
}

/// 16 hexadecimal digits that no other spool has.
private func randomDigits() -> String {
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
