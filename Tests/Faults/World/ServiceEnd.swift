import Glibc
import TestSupport

/// How a process of a service ended, and whether somebody had asked it to.
struct ServiceEnd: Equatable, Sendable, CustomStringConvertible {
    enum Request: Equatable, Sendable {
        /// SIGKILL.
        case kill
        /// SIGTERM.
        ///
        /// - Parameter isEarly: the program was not ready to take it, and did by default: it dies.
        case stop(isEarly: Bool)
    }

    let service: String
    /// Which process of the service it was, from 1.
    let start: Int
    let exit: ChildProcess.Exit
    /// Nil when nobody had asked.
    let request: Request?
    let lastWords: String

    /// Something that it needs was away: it is started again.
    private static let unavailable = ChildProcess.Exit.code(69)

    var description: String { "\(service), process \(start): \(exit): \(lastWords)" }

    /// A SIGKILL met a process that lived.
    var isKill: Bool { request == .kill && exit == .signal(SIGKILL) }

    /// It ended by itself, also when it was about to be killed, or had not yet heard of the request to stop.
    var isOwn: Bool {
        switch request {
        case nil: true
        case .kill: !isKill
        case .stop(let isEarly): isEarly && exit != .code(0) && exit != .signal(SIGTERM)
        }
    }

    /// What was not as promised. By itself a service may end only when something that it needs was away; asked to
    /// stop it ends in order.
    var difference: String? {
        if isOwn { return exit == Self.unavailable ? nil : "\(self) (nobody had asked it to end)" }
        switch request {
        case nil, .kill: return nil
        case .stop(let isEarly):
            let isInOrder = exit == .code(0) || isEarly && exit == .signal(SIGTERM)
            return isInOrder ? nil : "\(self) (after SIGTERM it ends with 0)"
        }
    }
}
