import Glibc

/// Why a spool cannot be used. Its description is one line that says what to do next.
struct SpoolError: Error, Equatable, CustomStringConvertible {
    enum Kind {
        /// The settings name a place that cannot be one, or the machine cannot use it.
        case unusable
        /// A file or a folder that was there is not.
        case missing
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
        switch number {
        case ENOSPC, EDQUOT:
            self.init(.noRoom, "SPOOL_DIRECTORY: no room for \(path): \(reason); make room on that disk")
        default:
            self.init(
                number == ENOENT ? .missing : .unusable,
                "SPOOL_DIRECTORY: cannot use \(path): \(reason); \(nextStep(number))")
        }
    }
}

private func nextStep(_ number: Int32) -> String {
    switch number {
    case EIO: "look at that disk (dmesg)"
    case EMFILE, ENFILE: "raise the limit of open files (ulimit -n, LimitNOFILE=)"
    case ENOMEM: "give the producer more memory"
    default: "name a folder that this user may write to"
    }
}
