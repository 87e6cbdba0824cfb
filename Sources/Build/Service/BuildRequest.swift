package import Attest
package import Bytes
package import Git
internal import Host
package import Workspace

/// What a client asks a build service for (docs/formats/build-service.md). All of it is in the provenance: there is no
/// other way for a client to have a say in a build.
package struct BuildRequest: Hashable, Sendable {
    /// Where the commit comes from.
    package enum Source: Hashable, Sendable {
        /// The service fetches it; with a branch or tag that must hold the commit.
        case repository(String, ref: String?)
        /// The client sends a pack with this digest.
        case upload(Digest)
    }

    package var source: Source
    package var commit: GitObjectID
    /// The workspace's directory in the repository; empty at its root.
    package var directory: String
    package var target: PackageName
    package var variant: String?
    package var arguments: [String: String]
    /// Leaves out every test step.
    package var withoutTests: Bool

    package init(
        _ source: Source, commit: GitObjectID, target: PackageName, directory: String = "", variant: String? = nil,
        arguments: [String: String] = [:], withoutTests: Bool = false
    ) {
        self.source = source
        self.commit = commit
        self.directory = directory
        self.target = target
        self.variant = variant
        self.arguments = arguments
        self.withoutTests = withoutTests
    }

    package static let format = "martlet-build-request-1"
    /// The most bytes of a request.
    package static let byteLimit = 64 << 10
    private static let argumentLimit = 64

    private static let members: Set<String> = [
        "format", "source", "directory", "package", "variant", "arguments", "withoutTests",
    ]
    private static let sourceMembers: Set<String> = ["repository", "ref", "upload", "commit"]

    /// Reads a request. What it does not know is refused: a parameter that nobody reads would be in no statement.
    package init(parsing bytes: [UInt8]) throws(AttestError) {
        let json: JSON
        do {
            json = try JSON(parsing: bytes, limits: JSONLimits(byteCount: Self.byteLimit, depth: 4))
        } catch {
            throw AttestError(.malformed, "the request is not JSON: \(error)")
        }
        try self.init(json)
    }

    package init(_ json: JSON) throws(AttestError) {
        let fields = try Fields(json, at: "request")
        try Self.check(json, Self.members, "request")
        guard try fields.text("format").hasSameBytes(as: Self.format) else {
            throw AttestError(.unsupported, "request.format is not \(Self.format)")
        }
        let source = try fields.fields("source")
        try Self.check(json["source"], Self.sourceMembers, "request.source")
        guard let commit = GitObjectID(try source.text("commit")) else {
            throw AttestError(.malformed, "request.source.commit has to be a commit's whole name, in small letters")
        }
        self.commit = commit
        self.source = try Self.source(source)
        directory = try fields.optionalText("directory") ?? ""
        guard Self.isPath(directory) else {
            throw AttestError(.malformed, "request.directory has to be a path below the repository's root")
        }
        let package = try fields.text("package")
        guard package.utf8.count <= 512, Self.isPlain(package), let target = PackageName(package) else {
            throw AttestError(.malformed, "request.package has to be a full name such as component:package")
        }
        self.target = target
        variant = try fields.optionalText("variant")
        guard (variant?.utf8.count ?? 1) <= 256, Self.isPlain(variant ?? "") else {
            throw AttestError(.malformed, "request.variant is no name of a variant")
        }
        arguments = try Self.arguments(fields, json["arguments"])
        guard let withoutTests = (json["withoutTests"] ?? false).boolValue else {
            throw AttestError(.malformed, "request.withoutTests has to be true or false")
        }
        self.withoutTests = withoutTests
    }

    private static func source(_ fields: Fields) throws(AttestError) -> Source {
        let (repository, ref) = (try fields.optionalText("repository"), try fields.optionalText("ref"))
        if let text = try fields.optionalText("upload") {
            guard repository == nil, ref == nil else {
                throw AttestError(.malformed, "request.source is a repository or an upload, not both")
            }
            guard text.hasPrefix("sha256:"), let digest = Digest(hex: String(text.dropFirst(7))) else {
                throw AttestError(.malformed, "request.source.upload has to be sha256: and 64 hexadecimal digits")
            }
            return .upload(digest)
        }
        guard let repository else { throw AttestError(.malformed, "request.source names no repository") }
        guard repository.utf8.count <= 2048, isPlain(repository), !repository.hasPrefix("-") else {
            throw AttestError(.malformed, "request.source.repository is no address")
        }
        // Everything in a request is published.
        guard URLCredentials.removed(from: repository) == repository else {
            throw AttestError(.malformed, "request.source.repository holds a name or password; leave them out")
        }
        if let ref {
            guard isRef(ref) else {
                throw AttestError(
                    .malformed, "request.source.ref has to be a full name such as refs/heads/main or refs/tags/v1")
            }
        }
        return .repository(repository, ref: ref)
    }

    private static func arguments(_ fields: Fields, _ json: JSON?) throws(AttestError) -> [String: String] {
        guard let json, !json.isNull else { return [:] }
        guard let members = json.objectValue, members.count <= argumentLimit else {
            throw AttestError(.malformed, "request.arguments has to be an object of at most \(argumentLimit) texts")
        }
        var out: [String: String] = [:]
        for member in members {
            guard let value = member.value.stringValue, !member.key.isEmpty, member.key.utf8.count <= 256,
                isPlain(member.key), value.utf8.count <= 8192, !value.utf8.contains(0)
            else { throw AttestError(.malformed, "request.arguments has a member that is no short text") }
            out[member.key] = value
        }
        return out
    }

    private static func check(_ json: JSON?, _ known: Set<String>, _ place: String) throws(AttestError) {
        for member in json?.objectValue ?? [:] where !known.contains(member.key) {
            throw AttestError(
                .unsupported, "\(place).\(member.key.prefix(64).description.safeForTerminal) is not known")
        }
    }

    /// Neither control characters nor anything that ends a line.
    private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }

    private static func isPath(_ text: String) -> Bool {
        if text.isEmpty { return true }
        return text.utf8.count <= 1024 && isPlain(text)
            && text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0 != "." && $0 != ".." && $0.lowercased() != ".git"
            }
    }

    /// git-check-ref-format, narrowed to branches and tags of plain letters.
    private static func isRef(_ text: String) -> Bool {
        guard text.utf8.count <= 512, text.hasPrefix("refs/heads/") || text.hasPrefix("refs/tags/") else {
            return false
        }
        return text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && !part.hasPrefix(".") && !part.hasPrefix("-") && !part.hasSuffix(".lock")
                && !part.hasSuffix(".") && !part.contains("..")
                && part.utf8.allSatisfy {
                    0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || "-_.+".utf8.contains($0)
                }
        }
    }

    /// The request as it is sent, kept and stated; equal requests give equal bytes.
    package var json: JSON {
        var source: JSONObject = ["commit": .string(commit.hex)]
        switch self.source {
        case .repository(let repository, let ref):
            source["repository"] = .string(repository)
            source["ref"] = ref.map { .string($0) }
        case .upload(let digest): source["upload"] = .string("sha256:\(digest.hex)")
        }
        var object: JSONObject = [
            "format": .string(Self.format), "source": .object(source), "package": .string(target.description),
        ]
        if !directory.isEmpty { object["directory"] = .string(directory) }
        object["variant"] = variant.map { .string($0) }
        if !arguments.isEmpty {
            var members = JSONObject()
            for (name, value) in arguments.sorted(by: { Files.isOrderedByBytes($0.key, $1.key) }) {
                members[name] = .string(value)
            }
            object["arguments"] = .object(members)
        }
        if withoutTests { object["withoutTests"] = true }
        return .object(object)
    }
}
