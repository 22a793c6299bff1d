import Logging
import Runtime
import Synchronization
import TestSupport
import Testing

@testable import Runtime

@Suite("The service manager")
struct ServiceManagerTests {
    private static let limit = Duration.seconds(20)

    @Test("It hears each message as systemd's protocol has it, by path and by abstract name", arguments: [false, true])
    func messages(isAbstract: Bool) async throws {
        let socket = try NotifySocket(isAbstract: isAbstract)
        let manager = ServiceManager(["NOTIFY_SOCKET": socket.name])
        #expect(manager.tell(.ready, .status("receiving 3 markets")))
        #expect(manager.tell(.alive))
        #expect(manager.tell(.extendTimeout(by: .milliseconds(1_500))))
        #expect(manager.tell(.stopping))
        _ = try await socket.messages.first(within: Self.limit, "the last message") { $0 == "STOPPING=1" }
        #expect(
            socket.messages.elements == [
                "READY=1\nSTATUS=receiving 3 markets", "WATCHDOG=1", "EXTEND_TIMEOUT_USEC=1500000", "STOPPING=1",
            ])
    }

    @Test("Text from outside cannot begin another message, nor be too long for one")
    func status() async throws {
        let socket = try NotifySocket()
        let manager = ServiceManager(["NOTIFY_SOCKET": socket.name])
        #expect(manager.tell(.status("refused:\nMAINPID=1\r\n" + String(repeating: "x", count: 100_000))))
        let message = try await socket.messages.first(within: Self.limit, "the status") { _ in true }
        #expect(message.hasPrefix("STATUS=refused: MAINPID=1 xxx"))
        #expect(message.utf8.count < 4_096)
    }

    @Test(
        "Where nobody listens nothing is told, and nothing happens",
        arguments: [
            [:], ["NOTIFY_SOCKET": ""], ["NOTIFY_SOCKET": "/nowhere/notify"], ["NOTIFY_SOCKET": "vsock:2:1234"],
            ["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 200)],
        ])
    func nobody(environment: [String: String]) { #expect(!ServiceManager(environment).tell(.ready)) }

    @Test("The watchdog's time counts for the process that it is meant for")
    func watchdogInterval() {
        func interval(_ environment: [String: String]) -> Duration? {
            ServiceManager(environment, processID: 42).watchdogInterval
        }
        #expect(interval(["WATCHDOG_USEC": "30000000"]) == .seconds(30))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"]) == .seconds(30))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "43"]) == nil)
        #expect(interval([:]) == nil)
        #expect(interval(["WATCHDOG_USEC": "0"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "soon"]) == nil)
    }
}

@Suite("The watchdog")
struct WatchdogTests {
    private static let limit = Duration.seconds(20)

    @Test("It is fed again and again while the loops turn", .timeLimit(.minutes(1)))
    func feeding() async throws {
        let socket = try NotifySocket()
        let manager = ServiceManager(["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "40000"])
        let watchdog = Watchdog(manager, logger: Logger(label: "test")) { [] }
        for position in 0..<3 {
            _ = try await socket.messages.first(after: position, within: Self.limit, "the next feed") {
                $0 == "WATCHDOG=1"
            }
        }
        withExtendedLifetime(watchdog) {}
    }

    @Test("A loop that hangs starves it, whatever else is alive, and turning again feeds it", .timeLimit(.minutes(1)))
    func stall() async throws {
        let socket = try NotifySocket()
        // Without an interval nothing looks but this test.
        let manager = ServiceManager(["NOTIFY_SOCKET": socket.name])
        let isHanging = Atomic(true)
        let watchdog = Watchdog(manager, logger: Logger(label: "test")) {
            isHanging.load(ordering: .relaxed) ? ["consumer has not turned for 200 s"] : []
        }
        for _ in 0..<100 { watchdog.look() }
        isHanging.store(false, ordering: .relaxed)
        watchdog.look()
        manager.tell(.stopping)
        _ = try await socket.messages.first(within: Self.limit, "the end") { $0 == "STOPPING=1" }
        #expect(socket.messages.elements == ["WATCHDOG=1", "STOPPING=1"])
    }
}
