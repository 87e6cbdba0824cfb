internal import Bytes
internal import Host
package import Policy
package import Sigstore
internal import Synchronization
package import SystemPackage

/// Verified evidence of a folder of bundles, in memory: files are read and verified when they appear, never while a
/// request waits.
package final class EvidenceFolder: EvidenceStore {
    private struct State {
        var pool = EvidencePool()
        /// Names, sizes and times of the files that the pool was made of.
        var stamp: [String] = []
        /// Why the folder can't be read; what is known then is not all.
        var problem: String?
        var refusedCount = 0
    }

    package let path: FilePath
    private let policies: [ArtifactPolicy]
    private let trustedRoot: TrustedRoot?
    /// Guards what is known; no other lock is taken while it is held.
    private let state = Mutex(State())

    package init(_ path: FilePath, policies: [ArtifactPolicy], trustedRoot: TrustedRoot?) {
        self.path = path
        self.policies = policies
        self.trustedRoot = trustedRoot
    }

    /// Reads the folder anew where it has changed. A folder that can't be read leaves what is known, and everything
    /// else undecided.
    package func refresh() {
        do {
            let files = try DirectoryWalk(path).entries().filter { $0.kind == .regular }.map(\.path)
                .sorted(by: Files.isOrderedByBytes)
            var stamp: [String] = []
            for file in files {
                let status = try Files.status(path.pushing(FilePath(file)))
                stamp.append("\(file) \(status?.size ?? 0) \(status?.modified ?? 0)")
            }
            if state.withLock({ $0.stamp == stamp && $0.problem == nil && !stamp.isEmpty }) { return }
            var collector = EvidenceCollector(policies, trustedRoot: trustedRoot)
            var unreadable = 0
            for file in files {
                do {
                    try collector.add(file: path.pushing(FilePath(file)), artifact: nil)
                } catch is SigstoreError {
                    unreadable += 1
                }
            }
            let (pool, refused) = (collector.pool, collector.refusals.count + unreadable)
            state.withLock { state in
                state.pool = pool
                state.stamp = stamp
                state.problem = nil
                state.refusedCount = refused
            }
        } catch {
            state.withLock { $0.problem = "\(error)" }
        }
    }

    package func evidence(about subject: PolicySubject) -> EvidenceAnswer {
        state.withLock { state in
            // What was found stays true; what was not may be in what can't be read.
            if let problem = state.problem, state.pool.evidence(about: subject).isEmpty { return .unreachable(problem) }
            return .found(state.pool)
        }
    }

    /// How many attestations are known, how many were refused, and what is wrong with the folder.
    var summary: (known: Int, refused: Int, problem: String?) {
        state.withLock { ($0.pool.all.count, $0.refusedCount, $0.problem) }
    }
}
