internal import Glibc

/// The clocks of the machine. Nothing that reaches a key or an artifact may come from them.
package enum Clocks {
    /// The time of day in nanoseconds since 1970: the scale of `FileStatus.modified`.
    package static func nowNanoseconds() -> Int64 { read(CLOCK_REALTIME) }

    /// Nanoseconds since some fixed moment; never goes back. For durations.
    package static func monotonicNanoseconds() -> Int64 { read(CLOCK_MONOTONIC) }

    /// The processor time of this process, user and system, in nanoseconds.
    package static func processorNanoseconds() -> Int64 { read(CLOCK_PROCESS_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        guard unsafe clock_gettime(clock, &time) == 0 else { return 0 }
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
