internal import Bytes
internal import Host
internal import SystemPackage
package import Workspace

/// A command that runs in the directories of packages or components: `martlet exec`.
package struct WorkspaceCommand: Sendable {
    /// One place to run in.
    package struct Place: Sendable {
        /// What `{}` stands for: a package's full name, or a component's.
        package var name: String
        package var component: String
        /// The packages that it runs for.
        package var packages: [PackageName]
    }

    /// How one run ended.
    package struct Failure: Sendable, CustomStringConvertible {
        package var place: String
        package var reason: String
        package var description: String { "\(place): \(reason)" }
    }

    package var arguments: [String]
    package var selection: PackageSelection
    /// Runs once in each component instead of once for each package.
    package var byComponent = false
    /// Runs everywhere at once, with at most this many at a time (0: no limit). `nil` means one after another, and
    /// that the first failure ends it.
    package var parallel: Int?
    /// Gives the command this process's own streams instead of marking its lines with the place.
    package var rawOutput = false
    /// A place whose command succeeded under this key is passed over until one of its packages changes.
    package var cacheKey: String?

    package init(arguments: [String], selection: PackageSelection) {
        self.arguments = arguments
        self.selection = selection
    }

    /// Where it runs, in order.
    package func places(in workspace: Workspace) throws -> [Place] {
        let names = try selection.names(in: workspace)
        guard byComponent else {
            return names.map { Place(name: $0.description, component: $0.component, packages: [$0]) }
        }
        var places: [Place] = []
        var indices: [String: Int] = [:]
        for name in names {
            if let index = indices[name.component] {
                places[index].packages.append(name)
            } else {
                indices[name.component] = places.count
                places.append(Place(name: name.component, component: name.component, packages: [name]))
            }
        }
        return places
    }

    /// Runs it.
    /// - Parameter show: takes whole lines, each with its line feed, from many tasks.
    /// - Returns: what failed, in the order of the places.
    package func run(in project: Project, show: @escaping @Sendable (String) -> Void) async throws -> [Failure] {
        guard !arguments.isEmpty else { throw BuildError(.configuration, "exec needs a command; put it after `--`") }
        var memory: ExecutionMemory?
        if let cacheKey { memory = try await ExecutionMemory(key: cacheKey, command: self, project: project) }
        let known = memory
        let places = try places(in: project.workspace).filter { known?.isDone($0) != true }
        guard let parallel else {
            for place in places {
                if let failure = try await run(place, in: project, show) { return [failure] }
                try memory?.note(place)
            }
            return []
        }
        let width = parallel > 0 ? parallel : max(1, places.count)
        var failures: [Int: Failure] = [:]
        try await withThrowingTaskGroup(of: Ended.self) { group in
            var next = 0
            while next < min(width, places.count) {
                let index = next
                group.addTask { Ended(index: index, failure: try await run(places[index], in: project, show)) }
                next += 1
            }
            while let ended = try await group.next() {
                failures[ended.index] = ended.failure
                if ended.failure == nil { try memory?.note(places[ended.index]) }
                guard next < places.count else { continue }
                let index = next
                group.addTask { Ended(index: index, failure: try await run(places[index], in: project, show)) }
                next += 1
            }
        }
        return failures.sorted { $0.key < $1.key }.map(\.value)
    }

    private struct Ended: Sendable {
        var index: Int
        var failure: Failure?
    }

    private func run(_ place: Place, in project: Project, _ show: @escaping @Sendable (String) -> Void) async throws
        -> Failure?
    {
        let command = arguments.map { argument in
            argument.split(separator: "{}", omittingEmptySubsequences: false).joined(separator: place.name)
        }
        let status: ChildProcess.Status
        do {
            let lines = LinePrefixer(prefix: "[\(place.name)] ", show: show)
            let onOutput: @Sendable ([UInt8]) -> Void = { lines.take($0) }
            defer { lines.finish() }
            status = try await ChildProcess.runInForeground(
                command, environment: project.options.environment,
                workingDirectory: project.directory(of: place.component), onOutput: rawOutput ? nil : onOutput)
        } catch let error as HostError {
            return Failure(place: place.name, reason: error.description)
        }
        switch status {
        case .exited(0): return nil
        case .exited(let code): return Failure(place: place.name, reason: "the command failed with exit status \(code)")
        case .signalled(let signal):
            return Failure(place: place.name, reason: "the command was ended by signal \(signal)")
        case .timedOut: return Failure(place: place.name, reason: "the command took too long")
        }
    }
}

/// Which places a command has succeeded in, under a key that its user chose.
private struct ExecutionMemory: Sendable {
    private let directory: FilePath
    private let command: [String]
    private let keys: [PackageName: PackageKey]

    init(key: String, command: WorkspaceCommand, project: Project) async throws {
        directory = project.cache.directory.appending("executed").appending(Digest.of(key).hex)
        self.command = command.arguments
        keys = try await project.builder(BuildOptions()).allKeys()
    }

    /// The command, the place, and all that its packages are made from.
    private func file(of place: WorkspaceCommand.Place) -> FilePath {
        let state: JSON = [
            "command": .list(command), "place": .string(place.name),
            "packages": .list(place.packages.map { "\($0) \(keys[$0]?.digest.hex ?? "")" }),
        ]
        return directory.appending(Digest.of(state.canonical()).hex)
    }

    func isDone(_ place: WorkspaceCommand.Place) -> Bool { (try? Files.exists(file(of: place))) == true }

    func note(_ place: WorkspaceCommand.Place) throws {
        try Files.createDirectories(directory)
        try Files.write([], to: file(of: place))
    }
}
