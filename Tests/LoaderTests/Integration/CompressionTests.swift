import Foundation
import TestSupport
import Testing

@testable import Loader

@Suite("Compressed rows", .timeLimit(.minutes(5)))
struct CompressionTests {
    @Test("Rows are sent compressed unless that is switched off, and nothing else is", arguments: [true, false])
    func sent(isOn: Bool) async throws {
        try await LoadRig.with { rig in
            if !isOn { rig.variables["LOADER_GZIP"] = "false" }
            try await rig.publish(250)
            #expect(try await rig.finalRows() == rig.sourceRows())
            for exchange in rig.fake.exchanges.elements {
                let encoding = exchange.headers.first { $0.key.lowercased() == "content-encoding" }?.value
                #expect(encoding == (isOn && exchange.endpoint == .insertAll ? "gzip" : nil))
            }
            #expect(rig.requests(.insertAll) == 3)
        }
    }

    @Test("What was compressed is the same afterwards, whether it can be made smaller or not")
    func same() async throws {
        let random = (0..<40_000).map { _ in UInt64.random(in: 0 ... .max) }.map { String($0, radix: 36) }
        let folder = try TemporaryFolder()
        for lines in [random, Array(repeating: #"{"insertId":"1"}"#, count: 40_000), []] {
            let text = Array(lines.map { $0 + "\n" }.joined().utf8)
            let (first, second) = (text[..<(text.count / 3)], text[(text.count / 3)...])
            let path = "\(folder.path)/lines.gz"
            try Data(try #require(gzipped([first, second, []]))).write(to: URL(filePath: path))
            #expect(try await ChildProcess.run("/usr/bin/env", ["gzip", "-dc", path]) == lines)
        }
    }
}
