/// A program that ran to its end, however it ended, and all that it said.
package struct FinishedProcess: Sendable {
    package let exit: ChildProcess.Exit
    package let output: [String]
    package let errors: [String]

    /// Runs one of our executables in a folder of its own.
    package static func run(
        _ product: String, _ arguments: [String] = [], environment: [String: String] = [:],
        within limit: Duration = .seconds(60)
    ) async throws -> FinishedProcess {
        let folder = try TemporaryFolder()
        let child = try ChildProcess(
            BuiltProduct.path(product), arguments, environment: environment, folder: folder.path)
        defer { child.kill() }
        let exit = try await child.exitStatus(within: limit)
        try await child.output.closed(within: limit, "the output of \(product)")
        try await child.errors.closed(within: limit, "the errors of \(product)")
        return FinishedProcess(exit: exit, output: child.output.elements, errors: child.errors.elements)
    }

    /// The first line of the output that begins so.
    package func line(_ beginning: String) -> String? { output.first { $0.hasPrefix(beginning) } }
}
