internal import Bytes
internal import Cache
internal import Host
internal import Sandbox
internal import SystemPackage
internal import Workspace

/// One run of one step: puts its inputs in place, runs it, takes its changes into the store.
struct StepRun: Sendable {
    /// What a run gave.
    struct Result: Sendable {
        var changes: StepChanges
        var fetched: Digest?
        /// What the step printed.
        var log: [UInt8]
    }

    let package: Package
    let step: Recipe.Step
    let recipe: Recipe
    let dependencies: [DependencyArtifact]
    let site: BuildSite
    let sandbox: Sandbox
    let toolchain: Toolchain
    /// In seconds.
    let timeLimit: Int
    let traceInputs: Bool
    let environment: [String: String]
    /// The files as the step finds them.
    let before: FileSet
    let fetched: Digest?
    /// The provenance that an image carries inside.
    let provenance: [UInt8]?
    let report: @Sendable (BuildEvent.Kind) -> Void

    /// Bytes that a step may keep in its private home directory.
    private static let homeLimit = 4 << 30

    func run(in workplace: StepWorkplace) async throws -> Result {
        switch step.runner {
        case .sandbox: try await runInSandbox(workplace)
        case .imageBuilder(let image):
            try await ImageStep(run: self, image: image).run(in: workplace)
        case .imageAssembly(let assembly):
            try await AssemblyStep(run: self, assembly: assembly).run(in: workplace)
        }
    }

    private func runInSandbox(_ workplace: StepWorkplace) async throws -> Result {
        let upper = try workplace.makeDirectory("upper")
        let work = try workplace.makeDirectory("work")
        let fetches = step.usesNetwork || step.kind == .fetch
        let fetchedPlace = fetches ? try workplace.makeDirectory("fetched") : nil
        var request = SandboxRequest(
            command: StepScript.arguments(for: step.commands), environment: environment,
            workingDirectory: StepEnvironment.directory(of: package.name.component))
        request.mounts.append(
            .overlay(lower: workplace.lower, upper: upper, work: work, at: StepEnvironment.workspaceDirectory))
        request.mounts.append(.temporary(at: StepEnvironment.home, byteLimit: Self.homeLimit))
        request.mounts += try await dependencyMounts()
        request.mounts += try await fetchedMounts(fetchedPlace, workplace)
        if let script = StepScript(step.commands) { request.mounts.append(.file(script.content, at: StepScript.path)) }
        if !toolchain.aliases.isEmpty {
            request.mounts.append(.temporary(at: Toolchain.aliasDirectory, byteLimit: 1 << 20))
        }
        for (name, path) in toolchain.aliases.sorted(by: { $0.key < $1.key }) {
            request.mounts.append(.link(to: path.string, at: "\(Toolchain.aliasDirectory)/\(name)"))
        }
        request.toolRoots = toolchain.roots + package.settings.toolRoots.map { FilePath($0) }
        request.network = step.usesNetwork ? .host : .none
        request.limits.time = .seconds(timeLimit)
        if let memory = package.settings.memoryLimit { request.limits.memory = memory }
        if let processes = package.settings.processLimit { request.limits.processes = processes }
        request.traceInputs = traceInputs

        let (name, kind, report) = (package.name, step.kind, report)
        let outcome = try await sandbox.run(request) { bytes in report(.stepOutput(name, kind, bytes)) }
        for violation in outcome.violations {
            report(.warning(name, "\(kind.rawValue): \(violation.name) was blocked: \(violation.detail)"))
        }
        reportTrace(outcome)
        guard outcome.succeeded else { throw failure(outcome) }
        let changes = try await StepChanges.capture(
            upper, over: before, isWhole: sandbox.capturesWholeDirectory, in: site.store)
        var result: Digest?
        if let fetchedPlace { result = try await site.store.capture(fetchedPlace).root }
        return Result(changes: withoutMountPoints(changes), fetched: result, log: outcome.output)
    }

    /// Mounts of every directory that the dependencies are made of.
    private func dependencyMounts() async throws -> [SandboxRequest.Mount] {
        var mounts: [SandboxRequest.Mount] = []
        let directory = StepEnvironment.directory(of: package.name.component)
        for dependency in dependencies {
            for part in dependency.parts {
                let path = part.path.isEmpty ? dependency.mount.path : "\(dependency.mount.path)/\(part.path)"
                mounts.append(.readOnly(try await site.store.checkout(part.tree), at: "\(directory)/\(path)"))
            }
        }
        return mounts
    }

    /// A fetch step fills the directory; later ones see it as it was left and may write over it in vain.
    private func fetchedMounts(_ place: FilePath?, _ workplace: StepWorkplace) async throws -> [SandboxRequest.Mount] {
        if step.kind == .fetch, let place { return [.writable(place, at: StepEnvironment.fetchedDirectory)] }
        guard let fetched else { return [] }
        let upper = try workplace.makeDirectory("fetched-upper")
        let work = try workplace.makeDirectory("fetched-work")
        return [
            .overlay(
                lower: try await site.store.checkout(fetched), upper: upper, work: work,
                at: StepEnvironment.fetchedDirectory)
        ]
    }

    /// Dependencies are no changes of the step, whatever the sandbox had to make to put them there.
    private func withoutMountPoints(_ changes: StepChanges) -> StepChanges {
        var changes = changes
        let component = package.name.component == "//" ? "" : package.name.component + "/"
        for dependency in dependencies {
            let path = component + dependency.mount.path
            changes.files.remove(path)
            changes.removed.removeAll { $0 == path || $0.hasPrefix(path + "/") }
        }
        return changes
    }

    private func reportTrace(_ outcome: SandboxOutcome) {
        guard traceInputs else { return }
        let prefix = StepEnvironment.workspaceDirectory + "/"
        let missing = outcome.tracedFiles.filter { !$0.found && $0.path.hasPrefix(prefix) }.map(\.path)
        for path in Set(missing).sorted() {
            report(
                .warning(
                    package.name,
                    "\(step.kind.rawValue) looked for \(path.dropFirst(prefix.count)), which is not declared"))
        }
    }

    /// What the shell's exit status 127 means here, and what to do about it.
    private var missingProgram: String {
        let absent = Set(step.commands.compactMap(\.first)).filter { !$0.contains("/") && toolchain.tools[$0] == nil }
        guard absent.count == 1, let name = absent.first else {
            return "a program was not found; install it, and name it under `martlet: tools:` if a script starts it"
        }
        let otherwise = step.kind == .lint ? ", or say `dontLint: true` in the package's config" : ""
        return "'\(name)' was not found; install it or put it on the PATH\(otherwise)"
    }

    /// What programs print when they find no network, in lower case.
    private static let networkComplaints = [
        "could not resolve host", "unable to resolve host", "name resolution", "name or service not known",
        "no such host", "getaddrinfo", "network is unreachable", "unknownhostexception", "dial tcp: lookup",
    ]

    /// What they print when they move or change a mounted directory, in lower case.
    private static let writeComplaints = ["read-only file system", "device or resource busy"]

    /// What to do about a step that seems to have done what only Leeway lets it do.
    private func remedy(_ outcome: SandboxOutcome) -> String {
        guard sandbox.level != .off else { return "" }
        let end = String(decoding: outcome.output.suffix(64 << 10), as: UTF8.self).lowercased()
        if !step.usesNetwork, Self.networkComplaints.contains(where: { end.contains($0) }) {
            let place = StepEnvironment.fetchedDirectory
            return "; it has no network: put what downloads under `martlet: fetch:`, which leaves it in \(place)"
        }
        if !dependencies.isEmpty, Self.writeComplaints.contains(where: { end.contains($0) }) {
            return "; what dependencies made can only be read: copy it instead of moving or changing it"
        }
        return ""
    }

    private func failure(_ outcome: SandboxOutcome) -> BuildError {
        let what =
            switch outcome.end {
            case .exited(127): "failed because \(missingProgram)"
            case .exited(let status): "failed with exit status \(status)\(remedy(outcome))"
            case .signalled(let signal): "was ended by signal \(signal)"
            case .limit(let name): "passed its \(name) limit and was ended; raise it under `martlet:` if that is right"
            }
        let commands = step.commands.map { $0.map(StepScript.quote).joined(separator: " ") }.joined(separator: "; ")
        return BuildError(.step, "\(step.kind.rawValue) \(what): \(commands.prefix(400))", package: package.name)
    }
}
