/// Why an hour is not in the warehouse, when nobody else's error says it.
struct LoadError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
