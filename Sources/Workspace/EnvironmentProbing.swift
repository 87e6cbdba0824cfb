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
        return await withTaskGroup(of: (String, Result<String, any Error>).self) { group in
            for probe in probes {
                group.addTask {
                    do {
                        return (probe.name, .success(try await value(of: probe)))
                    } catch {
                        return (probe.name, .failure(error))
                    }
                }
            }
            var values = EnvironmentManifest.builtIn
            var problems: [Diagnostic] = []
            for await (name, result) in group {
                switch result {
                case .success(let value): values[name] = value
                case .failure(let error):
                    values[name] = ""
                    problems.append(
                        Diagnostic(
                            .error, "the environment manifest's entry '\(name)' has no value: \(error)",
                            at: SourceLocation(file: "WORKSPACE.yaml", line: 1),
                            remedy: "install the tool, or override the entry in environmentManifest"))
                }
            }
            return (values, problems)
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
