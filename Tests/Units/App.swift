import ArgumentParser
import Foundation
import TestSupport

/// Starts the installed units under a systemd of their own, which is the real one.
@main
struct Units: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "units",
        abstract: "Boots a systemd beside this one, with the units as `make install` puts them, and sees them work.",
        discussion: """
            Root alone can do it: the machine has its own processes, mounts and cgroups, this host's /usr, read \
            only, and its network. Nothing of this host is changed.
            """)

    @Argument(help: "The folder that was DESTDIR of `make install`.")
    var staging: String

    func run() async throws {
        let start = ContinuousClock.now
        let pipeline = try await Pipeline(partitions: 4)
        let failure: (any Error)?
        do {
            try await UnitsRun(pipeline, staging: staging).run()
            failure = nil
        } catch {
            failure = error
        }
        try? await pipeline.stop()
        if let failure = failure as? Machine.CannotBoot {
            return print("units-test: NOT RUN: no systemd boots here: \(failure)")
        }
        if let failure {
            print("FAILED  \(failure)")
            throw ExitCode(1)
        }
        print("units-test: passed after \((ContinuousClock.now - start).components.seconds) s")
    }
}
