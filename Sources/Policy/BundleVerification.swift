internal import Attest
package import Bytes
internal import Cache
internal import Host
package import Sigstore
package import SystemPackage

/// Verifies artifacts with the bundles that lie beside them or inside: one process, all processors, certificates'
/// issuers checked once.
package struct BundleVerification: Sendable {
    /// What somebody wants to know about.
    package enum Target: Hashable, Sendable, CustomStringConvertible {
        case file(FilePath)
        case digest(MessageDigest)
        /// Bundles by themselves: what they say, about whatever they are about.
        case bundles(FilePath)

        package var description: String {
            switch self {
            case .file(let path), .bundles(let path): path.string
            case .digest(let digest): "\(digest)"
            }
        }
    }

    /// The answer about one target, or about one of many bundles in a file.
    package struct Verdict: Sendable {
        package var name: String
        package var verified: [VerifiedBundle] = []
        /// The reports of bundles that failed.
        package var failures: [VerificationReport] = []
        /// Why nothing could be verified at all.
        package var problem: String?
        /// A file could not be read, so that nobody can tell.
        package var isUndecided = false

        /// At least one bundle vouches for the target. Others beside it may be about something else.
        package var isVerified: Bool { !verified.isEmpty }
    }

    package var verifier: Verifier
    /// The file with the bundle; `nil` looks beside the artifact and inside it.
    package var bundle: FilePath?
    /// Statements must have this predicate type; `nil` where any will do.
    package var predicateType: String?

    package init(verifier: Verifier, bundle: FilePath? = nil, predicateType: String? = nil) {
        self.verifier = verifier
        self.bundle = bundle
        self.predicateType = predicateType
    }

    /// The names of bundles beside an artifact, in the order in which they are looked for.
    package static let suffixes = [
        ".sigstore.json", ".sigstore", ".sigstore.jsonl", ".intoto.jsonl", ".provenance.jsonl",
    ]

    /// Files below `path` that have a bundle beside them, where `path` is a directory; else `path` itself.
    package static func targets(at path: FilePath) throws -> [Target] {
        guard try Files.status(path)?.kind == .directory else { return [.file(path)] }
        var out: [Target] = []
        let names = Set(try DirectoryWalk(path).entries().filter { $0.kind == .regular }.map(\.path))
        for name in names.sorted(by: Files.isOrderedByBytes)
        where suffixes.contains(where: { names.contains(name + $0) }) {
            out.append(.file(path.pushing(FilePath(name))))
        }
        return out
    }

    /// The verdict on each target, in order; on a file of bundles, one for each of them.
    package func verify(_ targets: [Target]) async -> [Verdict] {
        if targets.count == 1, case .bundles(let path) = targets[0] {
            do {
                let bundles = try Self.read(path)
                return await inPortions(bundles.count) { range in range.map { verify(bundles, $0, path) } }
            } catch {
                return [Self.verdict(targets[0], error)]
            }
        }
        return await inPortions(targets.count) { range in targets[range].flatMap { verify($0) } }
    }

    /// Runs `work` on portions of `0..<count`, so that a batch has few tasks, and joins what they give in order.
    private func inPortions(
        _ count: Int, _ work: @escaping @Sendable (Range<Int>) -> [Verdict]
    ) async -> [Verdict] {
        let size = max(1, min(64, (count + 1) / 2))
        guard count > size else { return work(0..<count) }
        return await withTaskGroup(of: Portion.self) { group in
            for start in stride(from: 0, to: count, by: size) {
                group.addTask { Portion(start: start, verdicts: work(start..<min(start + size, count))) }
            }
            var portions: [Portion] = []
            for await portion in group { portions.append(portion) }
            return portions.sorted { $0.start < $1.start }.flatMap(\.verdicts)
        }
    }

    private struct Portion: Sendable {
        let start: Int
        let verdicts: [Verdict]
    }

    /// The verdicts on one target: one, except for a file of bundles.
    package func verify(_ target: Target) -> [Verdict] {
        do {
            switch target {
            case .digest(let digest):
                guard let bundle else {
                    throw PolicyError("a digest alone says nothing; name the bundle with --bundle")
                }
                return [verify(try Self.read(bundle), DigestArtifact(digest), "\(digest)")]
            case .file(let path):
                let (bundles, artifact) = try bundles(of: path)
                return [verify(bundles, artifact, path.string)]
            case .bundles(let path):
                let bundles = try Self.read(path)
                return bundles.indices.map { verify(bundles, $0, path) }
            }
        } catch {
            return [Self.verdict(target, error)]
        }
    }

    private static func verdict(_ target: Target, _ error: any Error) -> Verdict {
        if let error = error as? SigstoreError {
            return Verdict(name: target.description, failures: [VerificationFailure(unreadable: error).report])
        }
        return Verdict(name: target.description, problem: "\(error)", isUndecided: error is HostError)
    }

    /// The verdict on one of the bundles in a file, about what it says itself that it is about.
    private func verify(_ bundles: [UnverifiedBundle], _ index: Int, _ path: FilePath) -> Verdict {
        let name = bundles.count == 1 ? path.string : "\(path.string):\(index + 1)"
        return verify([bundles[index]], bundles[index].claimedArtifact, name)
    }

    private func verify(_ bundles: [UnverifiedBundle], _ artifact: (any Sigstore.Artifact)?, _ name: String) -> Verdict
    {
        var verdict = Verdict(name: name)
        for bundle in bundles {
            do {
                let verified = try verifier.verify(bundle, artifact: artifact)
                if let predicateType, verified.statement?.predicateType != predicateType {
                    verdict.problem =
                        "the bundle is verified, but its statement is \(verified.statement?.predicateType ?? "none"), not \(predicateType)"
                    continue
                }
                verdict.verified.append(verified)
            } catch {
                verdict.failures.append(error.report)
            }
        }
        if bundles.isEmpty { verdict.problem = "there is no attestation in the bundle" }
        return verdict
    }

    /// The bundles of a file, and the artifact as their subjects name it: of an archive that carries its provenance,
    /// that is the archive without it.
    private func bundles(of path: FilePath) throws -> ([UnverifiedBundle], any Sigstore.Artifact) {
        let inspection = try? Cache.Artifact.inspect(path)
        let artifact = Self.artifact(path, inspection)
        if let bundle { return (try Self.read(bundle), artifact) }
        guard let found = try Self.bundles(beside: path, inspection) else {
            throw PolicyError(
                "no bundle is beside it or inside it; name one with --bundle, or put it at \(path.string)\(Self.suffixes[0])"
            )
        }
        return (found, artifact)
    }

    private static func artifact(_ path: FilePath, _ inspection: Cache.Artifact.Inspection?) -> any Sigstore.Artifact {
        if let inspection, inspection.bundle != nil, let digest = inspection.digest {
            return DigestArtifact(MessageDigest(digest))
        }
        return FileArtifact(path)
    }

    private static func bundles(
        beside path: FilePath, _ inspection: Cache.Artifact.Inspection?
    ) throws -> [UnverifiedBundle]? {
        for suffix in suffixes {
            let beside = FilePath(path.string + suffix)
            if try Files.exists(beside) { return try read(beside) }
        }
        return try inspection?.bundle.map { try AttestationFile(parsing: $0).bundles }
    }

    /// The artifact that a file is, as its subjects name it, and the bundles beside it or inside it; none where there
    /// are none.
    static func contents(
        of path: FilePath
    ) throws -> (bundles: [UnverifiedBundle], artifact: any Sigstore.Artifact) {
        let inspection = try? Cache.Artifact.inspect(path)
        // What nobody signed is no evidence, and no broken file either.
        let inside = inspection?.bundle.flatMap { try? ProvenanceBundle(parsing: $0) }
        let isUnsigned = inside?.entries.allSatisfy(\.envelope.signatures.isEmpty) ?? false
        return (try bundles(beside: path, isUnsigned ? nil : inspection) ?? [], artifact(path, inspection))
    }

    static func read(_ path: FilePath) throws -> [UnverifiedBundle] {
        try AttestationFile(parsing: try Files.read(path, limit: 512 << 20)).bundles
    }
}

/// Why nothing could be decided.
package struct PolicyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, a semicolon, and what to do.
    package let message: String

    package init(_ message: String) { self.message = message }

    package var description: String { message }
}
