import Foundation
import Glibc

/// `prometheus` and `promtool`, which `prometheus.sh` put into a folder.
package enum PrometheusBinaries {
    /// The path of a program, from `PROMETHEUS_ROOT`, else from where the script puts it.
    package static func path(_ program: String) throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let root = environment["PROMETHEUS_ROOT"] ?? defaultRoot(environment)
        guard FileManager.default.isExecutableFile(atPath: "\(root)/\(program)") else {
            throw SetupError("no \(program) in \(root): run 'make test', or Tests/TestSupport/prometheus.sh once")
        }
        return "\(root)/\(program)"
    }

    private static func defaultRoot(_ environment: [String: String]) -> String {
        if getuid() == 0 { return "/var/cache/ticker-pipeline/prometheus" }
        let home = environment["HOME"] ?? "/tmp"
        return "\(environment["XDG_CACHE_HOME"] ?? "\(home)/.cache")/ticker-pipeline/prometheus"
    }

    /// Has promtool read a page of metrics as strictly as it can.
    ///
    /// - Throws: what it finds fault with.
    package static func check(metrics page: String) async throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(page)
        try await ChildProcess.run("/bin/sh", ["-c", #"exec "$0" check metrics <"$1""#, try path("promtool"), file])
    }
}
