import Runtime

/// Why an hour is not in the warehouse, when nobody else's error says it.
struct LoadError: Error, CustomStringConvertible {
    let description: String
    /// The process's exit code: by it units tell what a later run may mend from what a person decides.
    let status: Int32
    /// False for what the next hour would meet, too: a wrong setting, or another loader.
    let concernsOneHour: Bool

    init(_ description: String, status: Int32 = ExitStatus.unavailable, concernsOneHour: Bool = true) {
        self.description = description
        self.status = status
        self.concernsOneHour = concernsOneHour
    }
}
