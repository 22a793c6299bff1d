import Testing

@testable import Runtime

@Suite("The page of metrics")
struct MetricPageTests {
    private enum Reason: String, MetricLabel {
        case stall
        case spoolFull = "spool_full"

        static let labelName = "reason"
    }

    private func page(_ metrics: any Metric...) -> String {
        var page = MetricPage()
        for metric in metrics { page.append(metric) }
        return page.text
    }

    @Test("a counter has its help, its type and its number")
    func counter() {
        let counter = Counter("rows_total", "Rows.")
        counter.add()
        counter.add(41)
        #expect(page(counter) == "# HELP rows_total Rows.\n# TYPE rows_total counter\nrows_total 42\n")
    }

    @Test("a family has a line for each value of its label, also for those that nothing was counted under")
    func family() {
        let family = CounterFamily("gaps_total", by: Reason.self, "Gaps.")
        family.add(.spoolFull)
        family.add(2, .spoolFull)
        #expect(
            page(family) == """
                # HELP gaps_total Gaps.
                # TYPE gaps_total counter
                gaps_total{reason="stall"} 0
                gaps_total{reason="spool_full"} 3

                """)
        #expect(family.value(.spoolFull) == 3 && family.total == 3)
    }

    @Test("a backslash, a line feed and, in a label, a quote are escaped")
    func escaping() {
        let family = ReadingFamily("up", by: "name", #"A "path" such as C:\new."# + "\nSecond line.")
        family.read { [(#"C:\new"# + "\n\"x\"", 1)] }
        #expect(
            page(family)
                == #"# HELP up A "path" such as C:\\new.\nSecond line."# + "\n# TYPE up gauge\n"
                + #"up{name="C:\\new\n\"x\""} 1"# + "\n")
    }

    @Test(
        "a time is told in seconds, without rounding",
        arguments: [
            (0, "0"), (1, "0.000001"), (1_000_000, "1"), (1_500_000, "1.5"), (-2_250_000, "-2.25"),
            (1_778_570_091_254_001, "1778570091.254001"), (Int.max, "9223372036854.775807"),
        ])
    func time(_ microseconds: Int, _ text: String) {
        #expect(MetricUnit.microseconds.text(microseconds) == text)
    }

    @Test("a histogram's buckets hold what is below them, and the last one everything")
    func histogram() {
        let histogram = Histogram("wait_seconds", unit: .microseconds, bounds: [5_000, 1_000_000], "Wait.")
        for duration in [Duration.milliseconds(5), .milliseconds(6), .seconds(1), .seconds(70)] {
            histogram.observe(duration)
        }
        #expect(
            page(histogram) == """
                # HELP wait_seconds Wait.
                # TYPE wait_seconds histogram
                wait_seconds_bucket{le="0.005"} 1
                wait_seconds_bucket{le="1"} 3
                wait_seconds_bucket{le="+Inf"} 4
                wait_seconds_sum 71.011
                wait_seconds_count 4

                """)
    }

    @Test("a number that nobody can read has no line")
    func unread() {
        let reading = Reading("spool_bytes", unit: .bytes, "Bytes.")
        #expect(page(reading) == "# HELP spool_bytes Bytes.\n# TYPE spool_bytes gauge\n")
        reading.read { 7 }
        #expect(page(reading).hasSuffix("spool_bytes 7\n"))
    }

    @Test("a group's metrics are its properties, in their order")
    func group() {
        struct Group: MetricGroup {
            let second = Gauge("b", "B.")
            let first = Counter("a_total", "A.")
            let name = "no metric"
        }
        #expect(MetricRegistry([Group(), Group()]).descriptions.map(\.name) == ["b", "a_total", "b", "a_total"])
    }

    @Test("the process tells what it takes up")
    func process() throws {
        let page = MetricRegistry([ProcessMetrics(service: "tests")]).page()
        #expect(page.contains("ticker_build_info{service=\"tests\",version=\"\(version)\"} 1\n"))
        let numbers = Dictionary(
            uniqueKeysWithValues: page.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
                let parts = line.split(separator: " ")
                return (String(parts[0]), Double(parts[1]) ?? .nan)
            })
        let resident = try #require(numbers["process_resident_memory_bytes"])
        #expect((1 << 20..<1 << 40).contains(Int(resident)))
        #expect(try #require(numbers["process_open_fds"]) >= 3)
        #expect(try #require(numbers["process_cpu_seconds_total"]) > 0)
        let start = try #require(numbers["process_start_time_seconds"])
        let now = Double(microsecondsSince1970()) / 1e6
        #expect(start <= now && start > now - 86_400)
    }

    @Test("threads that count together lose nothing")
    func threads() async {
        let counter = Counter("a_total", "A.")
        let histogram = Histogram("b", bounds: [10], "B.")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for number in 0..<10_000 {
                        counter.add()
                        histogram.observe(number % 20)
                    }
                }
            }
        }
        #expect(counter.value == 80_000 && histogram.count == 80_000)
        #expect(page(histogram).contains("b_bucket{le=\"10\"} 44000\n"))
    }
}
