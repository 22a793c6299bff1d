/// Exit codes, as in BSD's sysexits: scripts and units tell by them what to do.
package enum ExitStatus {
    /// Some of the input could not be used.
    package static let dataError: Int32 = 65
    /// A service that is needed cannot be reached, or gave up.
    package static let unavailable: Int32 = 69
    /// A defect, or a state of the world that somebody must decide on.
    package static let software: Int32 = 70
    /// The settings are wrong.
    package static let configuration: Int32 = 78
}
