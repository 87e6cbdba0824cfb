import Bytes
import Cache
import Host
import Keys
import Policy
import Sigstore
import Synchronization
import SystemPackage
import TestKit
import Workspace

@testable import Build
@testable import RemoteCache

let hasSandbox =
    ToolPath.find("bwrap", path: ChildProcess.environmentVariable("PATH") ?? "/usr/bin:/bin") != nil

/// Three packages in a row, the last of which is built from the others, as machines see it that share a remote cache.
final class Machine: Sendable {
    private let files: TemporaryDirectory

    private static let contents = [
        "WORKSPACE.yaml": "martlet: {}\n",
        "c/BUILD.yaml": """
        packages:
          - name: low
            type: generic
            srcs: ["low.txt"]
            config:
              commands: [["sh", "-c", "head -c 200000 /dev/zero | tr '\\\\0' x > big; ln -s big link; mkdir empty"]]
          - name: middle
            type: generic
            deps: [":low"]
            config:
              commands: [["sh", "-c", "cat c--low/low.txt > middle.txt; chmod 755 middle.txt"]]
          - name: top
            type: generic
            deps: [":middle"]
            config:
              commands: [["sh", "-c", "cat c--middle/middle.txt c--middle/c--low/big > top.txt"]]

        """,
        "c/low.txt": "low\n",
    ]

    init(_ more: [String: String] = [:]) throws {
        files = try TemporaryDirectory()
        for (path, text) in Self.contents.merging(more, uniquingKeysWith: { $1 }) {
            try files.write(text, to: "work/\(path)")
        }
    }

    func write(_ text: String, to path: String) throws { try files.write(text, to: "work/\(path)") }

    func project() async throws -> Project {
        var options = ProjectOptions(
            directory: files["work"],
            environment: [
                "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": files.path.string,
                "MARTLET_CACHE_DIR": files["cache"].string,
            ])
        options.root = files["work"]
        return try await Project.open(options)
    }

    /// What a build came to.
    struct Build {
        /// Keeps the cache on disk.
        let machine: Machine
        let project: Project
        let outcome: Builder.Outcome
        let events: [BuildEvent]

        /// The packages of which a step ran.
        var ran: [String] {
            Set(
                events.compactMap { event -> String? in
                    if case .stepFinished(let name, _, .built) = event.kind { name.description } else { nil }
                }
            ).sorted()
        }

        /// The packages whose results are told to come from a remote cache.
        var remote: [String] {
            events.flatMap { event -> [PlannedPackage] in
                if case .planned(let packages) = event.kind { packages.filter(\.isRemote) } else { [] }
            }.map(\.name.description)
        }

        /// What was warned of.
        var remarks: [String] {
            events.compactMap { event in if case .warning(_, let text) = event.kind { text } else { nil } }
        }

        /// The files of an artifact by path, with their texts.
        func artifact(_ name: String) throws -> [String: String] {
            let store = project.cache.store
            guard let name = PackageName(name), let built = outcome.built[name] else {
                throw BuildError(.missing, "\(name) is missing: \(outcome.failures)")
            }
            var files: [String: String] = [:]
            for file in try store.flatten(built.artifact, directories: true) {
                switch file.node {
                case .file(let digest, _, let isExecutable):
                    let text = String(decoding: try store.read(digest, limit: 1 << 20), as: UTF8.self)
                    files[file.path] = (isExecutable ? "*" : "") + "\(text.utf8.count) \(text.prefix(20))"
                case .link(let target): files[file.path] = "-> \(target)"
                case .directory: files[file.path] = "/"
                }
            }
            return files
        }
    }

    /// Builds `target` with a remote cache.
    /// - Parameters:
    ///   - signer: signs what is built, so that it can be given away.
    ///   - reads: whose entries are believed, by namespace.
    ///   - leeway: Leeway's own cache.
    func build(
        _ storage: any RemoteStorage, target: String = "c:top", signer: PrivateKey? = nil,
        reads: [(Namespace, PublicKey)] = [], writes: Namespace? = .main,
        leeway: (ProjectCache) -> LeewayResults? = { _ in nil }
    ) async throws -> Build {
        let project = try await project()
        var options = BuildOptions(jobs: 2)
        if let signer {
            options.signatures = StatementSignatures(DSSESigner(PrivateKeySigner(signer)), cache: project.cache)
        }
        var access = RemoteResults.Access(
            readers: try reads.map {
                try EntryVerifier($0.0, policy: ArtifactPolicy(signedBy: $0.1), trustedRoot: nil)
            }, writes: signer == nil ? nil : writes)
        access.downloads = 4
        options.shared = RemoteResults(storage, access: access, cache: project.cache, pause: { _ in })
        options.foreign = leeway(project.cache)
        let builder = try await project.builder(options)
        let events = Mutex<[BuildEvent]>([])
        let outcome = try await builder.build(try await builder.plan(try project.targets([target]))) { event in
            events.withLock { $0.append(event) }
        }
        return Build(
            machine: self, project: project, outcome: outcome, events: events.withLock { $0 })
    }
}
