import Glibc

/// What every service tells of its process, under the names that Prometheus' own client libraries use.
package struct ProcessMetrics: MetricGroup {
    private let build: BuildInformation
    private let residentMemory = Reading(
        "process_resident_memory_bytes", unit: .bytes, "Memory of the process that is in RAM.")
    private let processorTime = Reading(
        "process_cpu_seconds_total", unit: .microseconds, kind: .counter,
        "Time that processors spent on the process, in user and system mode together.")
    private let openFiles = Reading("process_open_fds", "File descriptors that are open.")
    private let startTime = Reading(
        "process_start_time_seconds", unit: .microseconds, "When the process started, since 1970.")

    /// - Parameter service: `producer`, `consumer` or `loader`.
    package init(service: String) {
        build = BuildInformation(service: service)
        residentMemory.read { ownStatistics()?.residentBytes }
        processorTime.read { ownStatistics()?.processorMicroseconds }
        openFiles.read { openDescriptors() }
        let start = startMicroseconds()
        startTime.read { start }
    }
}

/// `ticker_build_info{service="producer",version="0.1.0"} 1`: to be joined with, not to be added up.
private struct BuildInformation: Metric {
    let service: String
    let description = MetricDescription(
        "ticker_build_info", "Always 1; its labels `service` and `version` say what runs.", kind: .gauge)

    func write(to page: inout MetricPage) { page.sample(1, [("service", service), ("version", version)]) }
}

private struct ProcessStatistics {
    let processorMicroseconds: Int
    let residentBytes: Int
    /// After the machine was started.
    let startMicroseconds: Int
}

/// proc_pid_stat(5). The process' name, in brackets, may have any character in it; what is behind it is numbers.
private func ownStatistics() -> ProcessStatistics? {
    guard let text = contents("/proc/self/stat"), let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[end...].split(separator: " ").dropFirst().map(String.init)
    // The first of these is the third of the manual's list, the state.
    let field = { (number: Int) in number - 3 < fields.count ? Int(fields[number - 3]) : nil }
    guard let user = field(14), let system = field(15), let start = field(22), let pages = field(24) else { return nil }
    let microsecondsPerTick = 1_000_000 / max(1, sysconf(Int32(_SC_CLK_TCK)))
    return ProcessStatistics(
        processorMicroseconds: (user + system) * microsecondsPerTick,
        residentBytes: pages * sysconf(Int32(_SC_PAGESIZE)), startMicroseconds: start * microsecondsPerTick)
}

private func openDescriptors() -> Int? {
    guard let folder = opendir("/proc/self/fd") else { return nil }
    defer { closedir(folder) }
    var count = 0
    while let entry = readdir(folder) {
        if entry.pointee.d_name.0 != CChar(bitPattern: UInt8(ascii: ".")) { count += 1 }
    }
    return count - 1  // the one of this look
}

private func startMicroseconds() -> Int? {
    guard let own = ownStatistics() else { return nil }
    var now = timespec()
    var sinceBoot = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    clock_gettime(CLOCK_BOOTTIME, &sinceBoot)
    return microseconds(now) - microseconds(sinceBoot) + own.startMicroseconds
}

private func microseconds(_ time: timespec) -> Int { Int(time.tv_sec) * 1_000_000 + Int(time.tv_nsec) / 1_000 }

private func contents(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 1) { buffer in
        let count = read(descriptor, buffer.baseAddress, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }
}
