import Attest
import Bytes
import Cache
import Host
import Synchronization
import SystemPackage
import TestKit
import Workspace

@testable import Build

/// Whether steps can be kept apart here; tests that run steps are skipped where they can't.
let hasSandbox = hasTool("bwrap")
let hasGit = hasTool("git")

func hasTool(_ name: String) -> Bool {
    ToolPath.find(name, path: ChildProcess.environmentVariable("PATH") ?? "/usr/bin:/bin") != nil
}

/// A workspace in a temporary directory with a cache of its own, and what it takes to build it.
final class TestWorkspace: Sendable {
    let files: TemporaryDirectory
    /// The workspace's directory below `files`.
    let directory: String
    /// Where the cache is.
    let cache: FilePath

    /// What changes how a workspace is opened.
    struct Settings: Sendable {
        var arguments: [String: String] = [:]
        var variant: String?
        var environment: [String: String] = [:]
        var building = BuildOptions(jobs: 2)
        /// Added to the time of day.
        var clockOffset: Int64 = 0
    }

    /// - Parameters:
    ///   - contents: the text of each file; `WORKSPACE.yaml` is added where it is missing.
    ///   - cache: a cache to share with another workspace.
    init(_ contents: [String: String] = [:], in directory: String = "work", cache: FilePath? = nil) throws {
        files = try TemporaryDirectory()
        self.directory = directory
        self.cache = cache ?? files["cache"]
        try write("martlet: {}\n", to: "WORKSPACE.yaml")
        for (path, text) in contents { try write(text, to: path) }
    }

    var root: FilePath { files[directory] }

    func write(_ text: String, to path: String, mode: UInt16 = 0o644) throws {
        try files.write(text, to: "\(directory)/\(path)", mode: mode)
    }

    func path(_ path: String) -> FilePath { root.appending(path) }

    /// A script in `files` that stands for a tool; its directory is `fakeTools`.
    func writeTool(_ name: String, _ text: String) throws {
        try files.write("#!/bin/sh\n\(text)\n", to: "tools/bin/\(name)", mode: 0o755)
    }

    var fakeTools: FilePath { files["tools/bin"] }

    func project(_ settings: Settings = Settings()) async throws -> Project {
        var environment = [
            "PATH": "\(fakeTools):/usr/local/bin:/usr/bin:/bin", "HOME": files.path.string,
            "MARTLET_CACHE_DIR": cache.string,
        ]
        environment.merge(settings.environment) { $1 }
        var options = ProjectOptions(directory: root, environment: environment)
        options.root = root
        options.arguments = settings.arguments
        options.variant = settings.variant
        let offset = settings.clockOffset
        options.now = { Clocks.nowNanoseconds() + offset }
        return try await Project.open(options)
    }

    /// The manifest of the key of `package`.
    func key(_ package: String, _ settings: Settings = Settings()) async throws -> PackageKey {
        let project = try await project(settings)
        let plan = try await project.builder(settings.building).plan(try project.targets([package]))
        try project.cache.save()
        guard let name = PackageName(package), let key = plan.keys[name] else {
            throw BuildError(.missing, "no key for \(package)")
        }
        return key
    }

    /// Builds `targets`; a failure is in the result.
    func build(_ targets: String..., settings: Settings = Settings()) async throws -> TestBuild {
        let project = try await project(settings)
        let builder = try await project.builder(settings.building)
        let plan = try await builder.plan(try project.targets(targets))
        let log = EventLog()
        let outcome = try await builder.build(plan) { log.append($0) }
        try project.cache.save()
        return TestBuild(project: project, plan: plan, outcome: outcome, events: log.events)
    }
}

/// Takes events from many tasks.
final class EventLog: Sendable {
    private let stored = Mutex<[BuildEvent]>([])

    var events: [BuildEvent] { stored.withLock { $0 } }

    func append(_ event: BuildEvent) { stored.withLock { $0.append(event) } }
}

/// The result of a build, and what a test asks of it.
struct TestBuild {
    let project: Project
    let plan: Builder.Plan
    let outcome: Builder.Outcome
    let events: [BuildEvent]

    private func name(_ text: String) throws -> PackageName {
        guard let name = PackageName(text) else { throw BuildError(.missing, "'\(text)' is no name") }
        return name
    }

    func built(_ package: String) throws -> BuiltPackage {
        if let error = outcome.failures.first?.value { throw error }
        guard let built = outcome.built[try name(package)] else { throw BuildError(.missing, "\(package) is missing") }
        return built
    }

    /// The files of an artifact by path: a file's text, a link's target after `->`, and whether it can be run.
    func artifact(_ package: String) throws -> [String: String] {
        let store = project.cache.store
        var files: [String: String] = [:]
        for file in try store.flatten(try built(package).artifact, directories: true) {
            switch file.node {
            case .file(let digest, _, let isExecutable):
                let text = String(decoding: try store.read(digest, limit: 1 << 20), as: UTF8.self)
                files[file.path] = (isExecutable ? "*" : "") + text
            case .link(let target): files[file.path] = "-> " + target
            case .directory: files[file.path] = "/"
            }
        }
        return files
    }

    /// The bytes of the statement about a package.
    func statementBytes(_ package: String) throws -> [UInt8] {
        guard let record = try project.cache.actions.lookup(try built(package).key) else {
            throw BuildError(.missing, "\(package) has no record")
        }
        return try PackageRecord.statement(record, .slsa, store: project.cache.store)
    }

    func statement(_ package: String) throws -> Statement { try Statement(parsing: try statementBytes(package)) }

    /// The files that the steps of a package made, as its statement has them.
    func outputs(_ package: String) throws -> [String] { try statement(package).subjects.dropFirst().map(\.name) }

    /// The resolved dependencies of a package's statement with one role.
    func dependencies(_ package: String, role: String) throws -> [ResourceDescriptor] {
        try Provenance(try statement(package).predicate).resolvedDependencies
            .filter { $0.annotations["role"]?.stringValue == role }
    }

    /// The inputs that a statement says differ from the commit, with the reason.
    func changedInputs(_ package: String) throws -> [String: String] {
        var changed: [String: String] = [:]
        for dependency in try dependencies(package, role: "changed") {
            changed[dependency.name ?? ""] = dependency.annotations["reason"]?.stringValue
        }
        return changed
    }

    /// Whether a statement says that all inputs are as the commit has them; `nil` when it names no commit.
    func isClean(_ package: String) throws -> Bool? {
        try dependencies(package, role: "source").first?.annotations["clean"]?.boolValue
    }

    /// What became of each step, `package kind`.
    var steps: [String: StepResult] {
        var steps: [String: StepResult] = [:]
        for event in events {
            if case .stepFinished(let name, let kind, let result) = event.kind {
                steps["\(name) \(kind.rawValue)"] = result
            }
        }
        return steps
    }

    /// The steps that really ran.
    var ran: [String] { steps.filter { $0.value == .built }.keys.sorted() }

    /// Everything that steps printed.
    var output: String {
        String(
            decoding: events.flatMap { event -> [UInt8] in
                if case .stepOutput(_, _, let bytes) = event.kind { bytes } else { [] }
            }, as: UTF8.self)
    }

    /// The failure of a package.
    func failure(_ package: String) throws -> (any Error)? { outcome.failures[try name(package)] }
}

/// A generic package in BUILD.yaml form whose command is a shell script.
func generic(_ name: String, sh script: String, _ more: String = "") -> String {
    let quoted = script.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    return """
        - name: \(name)
          type: generic
          config:
            commands: [["sh", "-c", "\(quoted)"]]
        \(more.split(separator: "\n").map { "  " + $0 + "\n" }.joined())
        """
}

func packages(_ packages: String...) -> String {
    "packages:\n" + packages.map { $0.split(separator: "\n").map { "  " + $0 + "\n" }.joined() }.joined()
}
