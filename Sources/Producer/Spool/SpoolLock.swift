import Glibc

/// The lock of a spool's folder, on its file `lock`: an open file description's, which goes with that.
///
/// Of this kind of lock one can ask without taking it. Of one by `flock` one cannot: `producer check` would hold
/// it for a moment, in which a producer does not start. Plain `F_SETLK` would end with any descriptor of the
/// file that this process closes.
enum SpoolLock {
    // Swift does not see the names of <fcntl.h> that need _GNU_SOURCE.
    /// `F_OFD_GETLK`
    private static let ask: Int32 = 36
    /// `F_OFD_SETLK`
    private static let set: Int32 = 37

    /// Takes the lock, without waiting, until the descriptor is closed or the process ends.
    ///
    /// - Parameter descriptor: open for writing.
    /// - Returns: false when another one has it.
    static func take(_ descriptor: Int32, _ path: String) throws(SpoolError) -> Bool {
        var lock = request(F_WRLCK)
        if fcntl(descriptor, set, &lock) == 0 { return true }
        guard errno == EAGAIN || errno == EACCES else { throw SpoolError(errno, path) }
        return false
    }

    /// True when one that is not this descriptor's has the lock. Nobody notices the question.
    static func isTaken(_ descriptor: Int32) -> Bool {
        var lock = request(F_RDLCK)
        return fcntl(descriptor, ask, &lock) == 0 && lock.l_type != Int16(F_UNLCK)
    }

    /// The whole file, whatever its size; `l_pid` has to be 0.
    private static func request(_ type: Int32) -> flock {
        flock(l_type: Int16(type), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
    }
}
