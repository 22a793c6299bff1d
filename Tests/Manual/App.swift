import FoundationEssentials
import Glibc

/// Reads what `producer --experimental-dump-help` prints, and writes the page of the manual for it:
///
///     producer --experimental-dump-help | manual > producer.1
@main
enum Manual {
    static func main() throws {
        var input = Data()
        while let line = readLine(strippingNewline: false) { input.append(contentsOf: Array(line.utf8)) }
        let command = try JSONDecoder().decode(CommandDump.self, from: input).command
        // The convention of reproducible builds: a page that is built again is the same page.
        let now = getenv("SOURCE_DATE_EPOCH").flatMap { Double(String(cString: $0)) }.map(
            Date.init(timeIntervalSince1970:))
        let day = (now ?? .now).formatted(.iso8601.year().month().day())
        print(ManualPage(of: command, day: day).text, terminator: "")
    }
}
