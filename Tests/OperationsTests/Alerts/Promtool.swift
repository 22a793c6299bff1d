import TestSupport

enum Promtool {
    /// Runs it to its end, and returns how it ended with all that it said.
    static func run(_ arguments: [String], in folder: String? = nil) async throws -> (isSuccess: Bool, output: String) {
        let promtool = try ChildProcess(PrometheusBinaries.path("promtool"), arguments, folder: folder)
        defer { promtool.kill() }
        let exit = try await promtool.exitStatus(within: .seconds(60))
        try await promtool.output.closed(within: .seconds(60), "promtool's output")
        try await promtool.errors.closed(within: .seconds(60), "promtool's errors")
        return (exit == .code(0), (promtool.output.elements + promtool.errors.elements).joined(separator: "\n"))
    }
}
