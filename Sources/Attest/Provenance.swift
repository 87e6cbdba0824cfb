package import Bytes

/// How an artifact came to be: the predicate of SLSA provenance v1 (slsa.dev/spec/v1.1/provenance).
package struct Provenance: Hashable, Sendable {
    /// The predicate type.
    package static let predicateType = "https://slsa.dev/provenance/v1"

    /// Who built: `runDetails.builder`.
    package struct Builder: Hashable, Sendable {
        /// The URI that stands for all that the build has to trust.
        package var id: String
        /// Component to version.
        package var version: [String: String]
        /// What the builder itself consists of.
        package var dependencies: [ResourceDescriptor]

        package init(id: String, version: [String: String] = [:], dependencies: [ResourceDescriptor] = []) {
            self.id = id
            self.version = version
            self.dependencies = dependencies
        }
    }

    /// This run of the build: `runDetails.metadata`.
    package struct Metadata: Hashable, Sendable {
        package var invocationID: String?
        package var startedOn: Timestamp?
        package var finishedOn: Timestamp?

        package init(invocationID: String? = nil, startedOn: Timestamp? = nil, finishedOn: Timestamp? = nil) {
            self.invocationID = invocationID
            self.startedOn = startedOn
            self.finishedOn = finishedOn
        }
    }

    // buildDefinition
    /// The URI that says what the parameters mean.
    package var buildType: String
    /// What the person or service that asked for the build decides; complete.
    package var externalParameters: JSONObject
    /// What the builder decides.
    package var internalParameters: JSONObject
    /// What the build read.
    package var resolvedDependencies: [ResourceDescriptor]
    // runDetails
    package var builder: Builder
    package var metadata: Metadata
    /// What else the run made.
    package var byproducts: [ResourceDescriptor]

    package init(
        buildType: String, externalParameters: JSONObject, internalParameters: JSONObject = [:],
        resolvedDependencies: [ResourceDescriptor] = [], builder: Builder, metadata: Metadata = Metadata(),
        byproducts: [ResourceDescriptor] = []
    ) {
        self.buildType = buildType
        self.externalParameters = externalParameters
        self.internalParameters = internalParameters
        self.resolvedDependencies = resolvedDependencies
        self.builder = builder
        self.metadata = metadata
        self.byproducts = byproducts
    }

    /// Reads the predicate of a statement whose type is `predicateType`.
    package init(_ predicate: JSON) throws(AttestError) {
        let fields = try Fields(predicate, at: "predicate")
        let definition = try fields.fields("buildDefinition")
        buildType = try definition.text("buildType")
        externalParameters = try Self.object(definition, "externalParameters")
        internalParameters = try Self.object(definition, "internalParameters")
        let descriptor: (Fields) throws(AttestError) -> ResourceDescriptor = { fields throws(AttestError) in
            try ResourceDescriptor(fields)
        }
        resolvedDependencies = try definition.objects("resolvedDependencies", descriptor)
        let run = try fields.fields("runDetails")
        let builder = try run.fields("builder")
        self.builder = Builder(
            id: try builder.text("id"), version: try builder.texts("version"),
            dependencies: try builder.objects("builderDependencies", descriptor))
        metadata = Metadata()
        if let fields = try run.optionalFields("metadata") {
            metadata.invocationID = try fields.optionalText("invocationId")
            metadata.startedOn = try Timestamp(field: "startedOn", of: fields)
            metadata.finishedOn = try Timestamp(field: "finishedOn", of: fields)
        }
        byproducts = try run.objects("byproducts", descriptor)
    }

    private static func object(_ fields: Fields, _ key: String) throws(AttestError) -> JSONObject {
        guard let value = fields.value(key) else { return [:] }
        guard let object = value.objectValue else {
            throw AttestError(.malformed, "\(key) is \(value.kind); it should be an object")
        }
        return object
    }

    /// The predicate, its members in the order of the specification; empty ones are left out.
    package var json: JSON {
        var definition: JSONObject = [
            "buildType": .string(buildType), "externalParameters": .object(externalParameters),
        ]
        definition.set("internalParameters", internalParameters.isEmpty ? nil : .object(internalParameters))
        definition.set("resolvedDependencies", list: resolvedDependencies.map(\.json))
        var builder: JSONObject = ["id": .string(self.builder.id)]
        builder.set("builderDependencies", list: self.builder.dependencies.map(\.json))
        builder.set("version", self.builder.version.isEmpty ? nil : .texts(self.builder.version))
        var metadata = JSONObject()
        metadata.set("invocationId", self.metadata.invocationID.map(JSON.string))
        metadata.set("startedOn", self.metadata.startedOn.map { .string($0.description) })
        metadata.set("finishedOn", self.metadata.finishedOn.map { .string($0.description) })
        var run: JSONObject = ["builder": .object(builder)]
        run.set("metadata", metadata.isEmpty ? nil : .object(metadata))
        run.set("byproducts", list: byproducts.map(\.json))
        return ["buildDefinition": .object(definition), "runDetails": .object(run)]
    }
}
