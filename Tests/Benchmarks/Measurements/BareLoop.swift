import Foundation
import TestSupport

/// What a loop without a service came to, as its process tells it in a line of JSON.
struct BareLoop: Codable {
    let frames: Int
    let seconds: Double
    /// Of all threads.
    let cpuSeconds: Double

    var framesPerSecond: Double { Double(frames) / seconds }
    var cpuMicrosecondsPerFrame: Double { cpuSeconds / Double(frames) * 1e6 }

    /// Receives `session` from the exchange's socket with TLS, and discards it.
    static func receiving(_ session: Session) async throws -> BareLoop {
        let feed = try await Feed(session)
        let loop = try ChildProcess(
            BuiltProduct.path("benchmarks"),
            ["bare-receive", feed.exchange.webSocketURL, feed.authorityPath, "--frames", "\(session.frameCount)"])
        try await feed.exchange.observed.wait(within: .seconds(20)) { !$0.subscriptions.isEmpty }
        try await feed.exchange.resume()
        let result = try await result(of: loop)
        await feed.exchange.stop()
        return result
    }

    /// Hands the frames of `session` to librdkafka and waits until they are acknowledged.
    static func producing(_ session: Session, to broker: Broker) async throws -> BareLoop {
        let loop = try ChildProcess(
            BuiltProduct.path("benchmarks"),
            ["bare-produce", broker.servers, broker.topic, "--frames", "\(session.frameCount)"])
        return try await result(of: loop)
    }

    private static func result(of loop: ChildProcess) async throws -> BareLoop {
        let exit = try await loop.exitStatus(within: .seconds(300))
        try await loop.output.closed(within: .seconds(10), "the loop's output")
        guard exit == .code(0), let line = loop.output.elements.last else {
            throw SetupError("a bare loop ended with \(exit): \(loop.errors.elements.suffix(3))")
        }
        return try JSONDecoder().decode(BareLoop.self, from: Data(line.utf8))
    }

    /// Prints it for whoever started this process.
    func tell() throws {
        print(String(decoding: try JSONEncoder().encode(self), as: UTF8.self))
    }
}
