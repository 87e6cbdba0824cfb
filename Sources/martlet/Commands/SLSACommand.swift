internal import ArgumentParser
internal import Attest
internal import Bytes
internal import Cache
internal import Host
internal import Policy
internal import Reports
internal import Sigstore
internal import SystemPackage

struct SLSACommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slsa",
        abstract: "Says which SLSA levels an artifact reaches: each requirement, what shows it, what to do next.",
        discussion: """
            Example: martlet slsa server.tar.gz --policy release.yaml

            A target is a package of the workspace, a file with its bundle beside it or inside, or a digest with \
            --bundle. The levels are those of v0.1, of the build track of v1.0 to v1.2 and of the source track of v1.2. \
            Without a policy nobody is trusted beyond his signature, so that no build reaches more than level 1. Exit \
            status: 0 done, 1 a level of --require is not reached.
            """)

    @Argument(help: ArgumentHelp("A package, a file or a digest.", valueName: "target"))
    var target: String

    @Option(help: ArgumentHelp("A policy that trusts signers, builders and verifiers.", valueName: "file"))
    var policy: String?

    @Option(help: ArgumentHelp("A file with bundles; repeatable.", valueName: "file"))
    var bundle: [String] = []

    @Option(
        help: ArgumentHelp(
            "One track: \(LevelTrack.allCases.map(\.rawValue).joined(separator: ", ")). Default: all.",
            valueName: "track"))
    var track: LevelTrack?

    @Option(
        help: ArgumentHelp(
            "Prints one level of the track as a table of two columns. Default track: v0.1.", valueName: "n"))
    var level: Int?

    @Option(
        help: ArgumentHelp("Fails unless the artifact reaches this level of the track (v1.2 build).", valueName: "n"))
    var require: Int?

    @Flag(help: "Prints the requirements of all levels.")
    var all = false

    @Flag(help: "Prints the tables as JSON.")
    var json = false

    @Option(help: ArgumentHelp("The trusted root. Default: that of `martlet trust`.", valueName: "file"))
    var trustedRoot: String?

    @OptionGroup var workspace: WorkspaceArguments

    func run() async throws {
        let (facts, subject) = try await facts()
        let tracks = (track ?? (level == nil ? nil : .v0_1)).map { [$0] } ?? LevelTrack.allCases
        let assessment = facts.assess(subject, tracks)
        let screen = Terminal(.standardOutput)
        let text = LevelText(ink: Ink(for: screen))
        if json {
            Output.write(assessment.json)
        } else if let level, let table = assessment.tables.first {
            guard 1...table.track.greatestLevel ~= level else {
                throw CommandError.usage("\(table.track.rawValue) has the levels 1 to \(table.track.greatestLevel)")
            }
            screen.say(text.lines(table, level: level, name: subject.name).joined(separator: "\n"))
        } else {
            screen.say((all ? text.allLines(assessment) : text.lines(assessment)).joined(separator: "\n"))
        }
        if let require {
            let table = facts.assess(subject, [track ?? .build1_2]).tables.first
            guard let table, table.level >= require else { throw ExitCode(1) }
        }
    }

    private func facts() async throws -> (LevelFacts, PolicySubject) {
        var arguments = try VerificationArguments.parse([])
        arguments.trustedRoot = trustedRoot
        let root = try await arguments.readTrustedRoot(VerificationArguments.trustedRootVariable)
        let policies = try policy.map { try ArtifactPolicy.read(FilePath($0)) } ?? []
        guard policies.count <= 1 else {
            throw CommandError.usage("\(policy ?? "") holds several policies; give a file with one")
        }
        var collector = EvidenceCollector(policies, trustedRoot: root)
        var unsigned: Statement?
        let subject: PolicySubject
        var place = target
        if case .digest(let digest) = try VerifyCommand.target(target) {
            for path in bundle { try collector.add(file: FilePath(path), artifact: DigestArtifact(digest)) }
            subject = PolicySubject(name: target, digests: [digest.description])
            place = bundle.joined(separator: ", ")
        } else if try Files.exists(FilePath(target)) {
            let path = FilePath(target)
            subject = try collector.add(artifact: path, bundles: bundle.map { FilePath($0) })
            unsigned = try Self.unsigned(in: try? Artifact.inspect(path).bundle, about: subject)
        } else {
            let (provenance, package) = try await ProvenanceCommand.Source.bundle(of: target, workspace)
            let bytes = provenance.bytes()
            let statement = try provenance.entries.last.map { try Statement(parsing: $0.envelope.payload) }
            subject = PolicySubject(
                name: package ?? target,
                digests: statement?.subjects.first?.digest.map { "\($0.key):\($0.value)" }.sorted() ?? [])
            if let bundles = try? AttestationFile(parsing: bytes).bundles {
                for bundle in bundles { collector.add(bundle, name: package ?? target, artifact: nil) }
            }
            for path in bundle { try collector.add(file: FilePath(path), artifact: nil) }
            unsigned = statement
            place = "the cache, for 'martlet provenance export \(target)'"
        }
        let facts = LevelFacts(
            subject, pool: collector.pool, policy: policies.first, unsigned: unsigned, place: place,
            at: try TrustArguments.clock())
        return (facts, subject)
    }

    /// The statement about an archive that it carries itself, signed or not.
    private static func unsigned(in bundle: [UInt8]?, about subject: PolicySubject) throws -> Statement? {
        guard let bundle, let read = try? ProvenanceBundle(parsing: bundle) else { return nil }
        return read.entries.reversed().compactMap { try? Statement(parsing: $0.envelope.payload) }.first { statement in
            statement.subjects.contains {
                $0.digest["sha256"].map { subject.digests.contains("sha256:\($0)") } ?? false
            }
        }
    }
}

extension LevelTrack: ExpressibleByArgument {}
