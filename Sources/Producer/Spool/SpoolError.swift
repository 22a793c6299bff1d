import Glibc

/// Why a spool cannot be used. Its description is one line that says what to do next.
struct SpoolError: Error, CustomStringConvertible {
    enum Kind {
        /// The settings name a place that cannot be one.
        case unusable
        /// The disk is full.
        case noRoom
        /// Another process has it.
        case inUse
    }

    let kind: Kind
    let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// A system call on `path` failed with `number`.
    init(_ number: Int32, _ path: String) {
        let reason = String(cString: strerror(number))
        if number == ENOSPC || number == EDQUOT {
            self.init(.noRoom, "SPOOL_DIRECTORY: no room for \(path): \(reason); make room on that disk")
        } else {
            self.init(
                .unusable, "SPOOL_DIRECTORY: cannot use \(path): \(reason); name a folder that this user may write to")
        }
    }
}
