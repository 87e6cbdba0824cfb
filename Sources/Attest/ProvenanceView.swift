package import Bytes

/// What the versions of SLSA provenance have in common, for readers that don't care which one it was.
///
/// Each is made afresh from one statement, so nothing is inherited from another line of a bundle.
package struct ProvenanceView: Sendable {
    /// The provenance formats that martlet reads.
    package enum Format: String, Sendable, CaseIterable {
        case v1 = "https://slsa.dev/provenance/v1"
        case v0_2 = "https://slsa.dev/provenance/v0.2"
        case v0_1 = "https://slsa.dev/provenance/v0.1"
    }

    /// Something that the build read: a material, or a resolved dependency.
    package struct Material: Hashable, Sendable {
        package var name: String?
        package var uri: String
        package var digest: [String: String]
        /// Known in martlet's own statements only.
        package var role: MartletBuild.Role?
        package var annotations: JSONObject

        /// Whether the URI names a git repository, as Leeway's `--git-only` decides it.
        package var isGit: Bool { uri.hasPrefix("git+") || uri.hasPrefix("git://") }
    }

    package var format: Format
    package var subjects: [Subject]
    package var builderID: String
    /// The builder's name, version and digest, where the identity is spelled as Leeway and martlet do.
    package var builder: BuilderIdentity { BuilderIdentity(builderID) }
    package var buildType: String
    /// The full name of the package; empty where the statement names none.
    package var entryPoint: String
    package var materials: [Material]
    /// v1 `externalParameters`; v0.2 `invocation.parameters`; v0.1 `recipe.arguments`.
    package var parameters: JSON
    /// v1 `internalParameters`; v0.2 and v0.1 the environment.
    package var environment: JSON
    package var startedOn: Timestamp?
    package var finishedOn: Timestamp?
    package var byproducts: [ResourceDescriptor]

    /// Whether the statement follows martlet's build type, so that roles and byproducts mean what martlet means.
    package var isMartletBuild: Bool { format == .v1 && buildType == MartletBuild.buildType }

    /// The word of the sandbox level; `nil` where the statement does not say.
    package var sandbox: String? { byproduct("sandbox", "level") }

    /// Where the result came from: `built`, `local`, `remote`; `nil` where the statement does not say.
    package var cacheOrigin: String? { byproduct("cache", "origin") }

    private func byproduct(_ name: String, _ annotation: String) -> String? {
        guard isMartletBuild else { return nil }
        return byproducts.first { $0.name == name }?.annotations[annotation]?.stringValue
    }

    /// The materials of one role; none in statements that are not martlet's.
    package func materials(_ role: MartletBuild.Role) -> [Material] { materials.filter { $0.role == role } }

    /// Takes a statement apart. A predicate that is no provenance, or of an unknown version, is `.unsupported`.
    package init(_ statement: Statement) throws(AttestError) {
        guard let format = Format.allCases.first(where: { $0.rawValue.hasSameBytes(as: statement.predicateType) })
        else {
            throw AttestError(.unsupported, "the predicate type \(statement.predicateType) is not known")
        }
        switch format {
        case .v1: try self.init(v1: statement)
        case .v0_2: try self.init(v0_2: statement)
        case .v0_1: try self.init(v0_1: statement)
        }
    }

    /// Takes an envelope apart. A payload that is no in-toto statement is `.unsupported`.
    package init(_ envelope: Envelope) throws(AttestError) {
        guard envelope.payloadType.hasSameBytes(as: Statement.payloadType) else {
            throw AttestError(.unsupported, "the payload type \(envelope.payloadType) is not known")
        }
        try self.init(Statement(parsing: envelope.payload))
    }

    private init(v1 statement: Statement) throws(AttestError) {
        let provenance = try Provenance(statement.predicate)
        let isMartlet = provenance.buildType.hasSameBytes(as: MartletBuild.buildType)
        format = .v1
        subjects = statement.subjects
        builderID = provenance.builder.id
        buildType = provenance.buildType
        let namesPackage = isMartlet || provenance.buildType.hasSameBytes(as: MartletBuild.importType)
        entryPoint = namesPackage ? provenance.externalParameters["package"]?.stringValue ?? "" : ""
        materials = provenance.resolvedDependencies.map { dependency in
            Material(
                name: dependency.name, uri: dependency.uri ?? "", digest: dependency.digest,
                role: isMartlet ? dependency.annotations["role"]?.stringValue.flatMap(MartletBuild.Role.init) : nil,
                annotations: dependency.annotations)
        }
        parameters = .object(provenance.externalParameters)
        environment = .object(provenance.internalParameters)
        startedOn = provenance.metadata.startedOn
        finishedOn = provenance.metadata.finishedOn
        byproducts = provenance.byproducts
        if namesPackage, entryPoint.isEmpty {
            throw AttestError(.malformed, "externalParameters.package is missing")
        }
    }

    private init(v0_2 statement: Statement) throws(AttestError) {
        let fields = try Fields(statement.predicate, at: "predicate")
        let invocation = try fields.optionalFields("invocation")
        let source = try invocation?.optionalFields("configSource")
        format = .v0_2
        subjects = statement.subjects
        builderID = try fields.fields("builder").text("id")
        // Leeway leaves the build type empty and names it in the configuration's source.
        let declared = try fields.optionalText("buildType") ?? ""
        buildType = declared.isEmpty ? try source?.optionalText("uri") ?? "" : declared
        entryPoint = try source?.optionalText("entryPoint") ?? ""
        materials = try fields.objects("materials", Self.material)
        parameters = invocation?.value("parameters") ?? nil
        environment = invocation?.value("environment") ?? nil
        (startedOn, finishedOn) = try Self.times(fields)
        byproducts = []
    }

    private init(v0_1 statement: Statement) throws(AttestError) {
        let fields = try Fields(statement.predicate, at: "predicate")
        let recipe = try fields.optionalFields("recipe")
        format = .v0_1
        subjects = statement.subjects
        builderID = try fields.fields("builder").text("id")
        buildType = try recipe?.optionalText("type") ?? ""
        entryPoint = try recipe?.optionalText("entryPoint") ?? ""
        materials = try fields.objects("materials", Self.material)
        parameters = recipe?.value("arguments") ?? nil
        environment = recipe?.value("environment") ?? nil
        (startedOn, finishedOn) = try Self.times(fields)
        byproducts = []
    }

    private static func material(_ fields: Fields) throws(AttestError) -> Material {
        Material(
            name: nil, uri: try fields.optionalText("uri") ?? "", digest: try fields.texts("digest"), role: nil,
            annotations: [:])
    }

    private static func times(_ fields: Fields) throws(AttestError) -> (Timestamp?, Timestamp?) {
        guard let metadata = try fields.optionalFields("metadata") else { return (nil, nil) }
        return (
            try Timestamp(field: "buildStartedOn", of: metadata), try Timestamp(field: "buildFinishedOn", of: metadata)
        )
    }
}

/// A builder's identity spelled `NAME:VERSION@sha256:DIGEST`, as Leeway and martlet write it.
package struct BuilderIdentity: Hashable, Sendable {
    package var name: String
    /// What follows the name, such as `0.2.17-3ebfb2a@sha256:b962…`; `nil` where nothing does.
    package var fullVersion: String?

    /// Leeway's name.
    package static let leeway = "github.com/gitpod-io/leeway"

    /// Splits at the first colon behind the last slash.
    package init(_ id: String) {
        let start = id.lastIndex(of: "/").map { id.index(after: $0) } ?? id.startIndex
        if let colon = id[start...].firstIndex(of: ":") {
            name = String(id[..<colon])
            fullVersion = String(id[id.index(after: colon)...])
        } else {
            name = id
        }
    }

    /// The version without the digest.
    package var version: String? { fullVersion.map { String($0.prefix { $0 != "@" }) } }

    /// Whether `wanted` is this version: the whole of it, or all before `@sha256:`.
    package func matches(version wanted: String) -> Bool {
        guard let fullVersion, !wanted.isEmpty else { return false }
        return fullVersion.hasSameBytes(as: wanted) || version?.hasSameBytes(as: wanted) == true
    }
}
