import Dispatch
import Glibc
import Logging
import Runtime
import Synchronization

/// Writes a spool to the disk at intervals and removes what is delivered, on a thread of its own: the
/// disk may take its time, and the socket must not wait for it.
final class SpoolKeeper: Sendable {
    private let directory: SpoolDirectory
    private let state: SpoolState
    private let catalogue: SegmentCatalogue
    private let interval: Duration
    private let logger: Logger
    private let isAsked = Atomic(false)
    private let isStopping = Atomic(false)
    private let bell = DispatchSemaphore(value: 0)
    private let kept = Atomic(0)
    /// Every record below this sequence is on the disk.
    private let synchronizedBelow = Atomic<UInt64>(0)

    init(
        _ directory: SpoolDirectory, _ state: SpoolState, _ catalogue: SegmentCatalogue, interval: Duration,
        logger: Logger
    ) {
        self.directory = directory
        self.state = state
        self.catalogue = catalogue
        self.interval = interval
        self.logger = logger
    }

    /// How often all of the spool was written to the disk.
    var keptCount: Int { kept.load(ordering: .relaxed) }

    /// How many frames neither the disk nor Kafka is known to have: what the end of the machine would cost now.
    var unsynchronizedFrames: UInt64 {
        // Read in this order, what is written or delivered in between cannot make it negative.
        let safeBelow = max(synchronizedBelow.load(ordering: .acquiring), state.deliveredBelow)
        return max(safeBelow, state.lastSequence + 1) - safeBelow
    }

    /// Keeps the spool until ``stop()``, and leaves it clean; blocks.
    ///
    /// Whoever appends has to have ended before the stop.
    func run() {
        var isFailing = false
        var isLast = false
        while !isLast {
            _ = bell.wait(timeout: .now() + interval.dispatchInterval)
            isAsked.store(false, ordering: .releasing)
            isLast = isStopping.load(ordering: .acquiring)
            do throws(SpoolError) {
                try keep()
                if isLast {
                    state.isClean = true
                    try state.synchronize()
                }
                if isFailing { logger.info("the spool is written to the disk again") }
                isFailing = false
            } catch {
                if !isFailing {
                    logger.error("the spool cannot be written to the disk", metadata: ["reason": "\(error)"])
                }
                isFailing = true
            }
        }
    }

    /// Lets ``run()`` do its work soon, and not only when the interval is over. Any thread.
    func keepSoon() {
        if !isAsked.exchange(true, ordering: .acquiringAndReleasing) { bell.signal() }
    }

    /// Lets ``run()`` do its work once more and return. Any thread.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        bell.signal()
    }

    /// Writes everything that was appended until now, and removes what was delivered until now.
    func keep() throws(SpoolError) {
        // What is removed has to be known as delivered also after a crash of the machine.
        let deliveredBelow = state.deliveredBelow
        // What is appended from here on may be written too, or not.
        let appendedBelow = state.lastSequence + 1
        for (entry, isLast) in catalogue.unsynchronized() {
            try synchronize(entry.path)
            if !isLast { catalogue.markSynchronized(entry.firstSequence) }
        }
        try directory.synchronize()
        try state.synchronize()
        synchronizedBelow.store(appendedBelow, ordering: .releasing)
        kept.add(1, ordering: .relaxed)
        let (released, until) = catalogue.release(below: deliveredBelow)
        for entry in released {
            if entry.isDamaged { setAside(entry.path) } else { unlink(entry.path) }
        }
        if !released.isEmpty { state.releasedUntil = max(state.releasedUntil, until) }
    }

    private func synchronize(_ path: String) throws(SpoolError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return }  // written anew in the meantime, since all of it is delivered
        guard descriptor >= 0 else { throw SpoolError(errno, path) }
        defer { close(descriptor) }
        guard fdatasync(descriptor) == 0 else { throw SpoolError(errno, path) }
    }
}

extension Duration {
    fileprivate var dispatchInterval: DispatchTimeInterval {
        .microseconds(Int(components.seconds) * 1_000_000 + Int(components.attoseconds / 1_000_000_000_000))
    }
}
