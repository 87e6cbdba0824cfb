package import Build
internal import Host
package import Workspace

extension BuildSession {
    /// How a script ended.
    package struct ScriptFailure: Error, Sendable, CustomStringConvertible {
        package var script: PackageName
        package var reason: String
        package var description: String { "the script \(script) \(reason)" }
    }

    /// Builds what `scripts` need and runs them, all at once. Each runs to its end, whatever becomes of the others.
    /// - Returns: those that failed, in the order given.
    package func run(_ scripts: [Script], _ options: BuildOptions) async throws -> [ScriptFailure] {
        for script in scripts { try ScriptRun.requireResolved(script) }
        let needed = Set(scripts.flatMap(\.dependencies)).sorted()
        var built: [PackageName: BuiltPackage] = [:]
        if !needed.isEmpty {
            let outcome = try await build(needed, options)
            guard outcome.succeeded else {
                return scripts.filter { !$0.dependencies.isEmpty }.map {
                    ScriptFailure(script: $0.name, reason: "was not run, because what it needs was not built")
                }
            }
            built = outcome.built
        }
        var failures: [Int: ScriptFailure] = [:]
        await withTaskGroup(of: Ended.self) { group in
            for (index, script) in scripts.enumerated() {
                let built = built
                group.addTask { Ended(index: index, failure: await run(script, built)) }
            }
            for await ended in group { failures[ended.index] = ended.failure }
        }
        try Task.checkCancellation()
        return failures.sorted { $0.key < $1.key }.map(\.value)
    }

    private struct Ended: Sendable {
        var index: Int
        var failure: ScriptFailure?
    }

    private func run(_ script: Script, _ built: [PackageName: BuiltPackage]) async -> ScriptFailure? {
        do {
            let run = try await ScriptRun(script, in: project, built: built)
            switch try await run.run() {
            case .exited(0): return nil
            case .exited(let code): return ScriptFailure(script: script.name, reason: "failed with exit status \(code)")
            case .signalled(let signal):
                return ScriptFailure(script: script.name, reason: "was ended by signal \(signal)")
            case .timedOut: return ScriptFailure(script: script.name, reason: "took too long")
            }
        } catch {
            return ScriptFailure(script: script.name, reason: "could not be run: \(error)")
        }
    }
}
