import Foundation
import Glibc
import TestSupport

/// What a process uses, read from outside; zero once it is gone.
enum ProcessUsage {
    /// The processor time of all threads until now, in user and system mode (proc(5), `stat`), in steps of 10 ms.
    static func cpuSeconds(of processID: Int32) -> Double {
        guard let stat = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8) else { return 0 }
        // The name in parentheses may hold spaces; the fields are counted from behind it.
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The processor time of this process until now.
    static func ownCPUSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
        return Double(seconds) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    /// The processor time of the calling thread until now: what a core does for it, whoever else is there.
    static func threadCPUSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    static func residentBytes(of processID: Int32) -> Int {
        let statm = try? String(contentsOfFile: "/proc/\(processID)/statm", encoding: .utf8)
        let pages = statm?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    static func peakResidentMegabytes(of processID: Int32) -> Double {
        Double(Footprint.peakResidentBytes(of: processID) ?? 0) / 1e6
    }

    static func openDescriptors(of processID: Int32) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/fd").count) ?? 0
    }
}
