import Foundation

/// Where SwiftPM put the executables, so that tests and the sandbox run the real ones.
package enum BuiltProduct {
    /// The path of an executable product such as `consumer`, which stands beside the running test
    /// bundle or executable.
    package static func path(_ name: String) throws -> String {
        let folders = candidates()
        for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
            return "\(folder)/\(name)"
        }
        throw SetupError(
            "no executable '\(name)' in \(folders.joined(separator: ", ")): run 'swift build' first")
    }

    private static func candidates() -> [String] {
        // A test bundle can be run by a helper that lives with the compiler; then it is an argument.
        let bundles = CommandLine.arguments.filter { $0.hasSuffix(".xctest") }
        let paths = ["/proc/self/exe"] + bundles
        return paths.map { URL(filePath: $0).resolvingSymlinksInPath().deletingLastPathComponent().path }
    }
}

/// Something that the outside world needs is not there; the description says what to do.
package struct SetupError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
