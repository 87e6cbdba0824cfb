internal import Host
internal import SystemPackage

/// Runs the commands of an environment manifest.
struct EnvironmentProbing: Sendable {
    let root: FilePath
    let options: WorkspaceOptions

    /// The values by name, and what went wrong.
    func manifest(
        for types: Set<PackageType>, and entries: [EnvironmentManifest.Probe]
    ) async -> (values: [String: String], problems: [Diagnostic]) {
        let probes = EnvironmentManifest.probes(for: types, and: entries)
        return await withTaskGroup(of: Answer.self) { group in
            for probe in probes {
                group.addTask { await answer(probe) }
            }
            var values = EnvironmentManifest.builtIn
            var problems: [Diagnostic] = []
            for await answer in group {
                values[answer.name] = answer.value
                if let problem = answer.problem { problems.append(problem) }
            }
            return (values, problems)
        }
    }

    /// What came of one probe. A struct on purpose: with a tuple of a name and a `Result`, Swift 6.3's optimiser
    /// releases the name too early, and the release build reads freed memory.
    private struct Answer: Sendable {
        var name: String
        var value = ""
        var problem: Diagnostic?
    }

    private func answer(_ probe: EnvironmentManifest.Probe) async -> Answer {
        do {
            return Answer(name: probe.name, value: try await value(of: probe))
        } catch {
            let problem = Diagnostic(
                .error, "the environment manifest's entry '\(probe.name)' has no value: \(error)",
                at: SourceLocation(file: "WORKSPACE.yaml", line: 1),
                remedy: "otherwise override the entry in environmentManifest")
            return Answer(name: probe.name, problem: problem)
        }
    }

    private func value(of probe: EnvironmentManifest.Probe) async throws -> String {
        let text: String
        if let run = options.probe {
            text = try await run(probe)
        } else {
            let outcome = try await ChildProcess.run(
                probe.command, workingDirectory: root, outputLimit: 1 << 16, timeLimit: .seconds(60))
            guard outcome.isSuccess else {
                throw HostError(.system, "'\(probe.command.joined(separator: " "))' failed: \(outcome.errorText)")
            }
            text = outcome.outputText
        }
        let spaces: Set<Character> = [" ", "\t", "\n", "\r", "\r\n", "\u{0B}", "\u{0C}"]
        let rest = text.drop { spaces.contains($0) }
        return String(rest.reversed().drop { spaces.contains($0) }.reversed())
    }
}
