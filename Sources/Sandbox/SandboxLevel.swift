/// How well a machine, and so a run on it, keeps a step apart. Recorded in every provenance.
package enum SandboxLevel: String, Sendable, CaseIterable, Comparable {
    /// No walls at all: the step ran as an ordinary child process. Its results are never shared.
    case off
    /// Namespaces and a filter of system calls, trees mounted read-only; no overlays.
    case namespaces
    /// Namespaces, a filter of system calls, and overlays.
    case full

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}
