/// A setting that cannot be used. Its description is one line that says what to mend.
package struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
