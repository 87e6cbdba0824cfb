internal import Bytes

extension ProvenanceFacts {
    /// The statement about this build: in-toto v1 around SLSA provenance v1.
    package var statement: Statement {
        Statement(subjects: subjects, predicateType: Provenance.predicateType, predicate: provenance.json)
    }

    /// The predicate. Lists are sorted by name, URI and path, so that equal facts give equal bytes.
    package var provenance: Provenance {
        Provenance(
            buildType: MartletBuild.buildType, externalParameters: externalParameters,
            internalParameters: internalParameters, resolvedDependencies: resolvedDependencies,
            builder: Provenance.Builder(
                id: service?.builderID ?? MartletBuild.builderID(version: builder.version, digest: builder.digest),
                version: ["martlet": builder.version],
                dependencies: [ResourceDescriptor(name: "martlet", digest: ["sha256": builder.digest.hex])]),
            metadata: metadata, byproducts: byproducts)
    }

    private var externalParameters: JSONObject {
        var out: JSONObject = ["package": .string(packageName), "type": .string(packageType)]
        out.set("variant", variant.map(JSON.string))
        out["arguments"] = .texts(redactor.redact(arguments: arguments))
        out.set("configuration", configuration.map(redactor.redact))
        out.set("request", service?.request)
        return out
    }

    private var internalParameters: JSONObject {
        var out: JSONObject = ["actionKey": ["sha256": .string(actionKey.hex)]]
        out.set("leewayVersion", leewayVersion.map(JSON.string))
        out["environment"] = .texts(redactor.redact(arguments: environment))
        out.set("platform", platform.map(JSON.string))
        out.set("requestedBy", service.map { .string($0.requester) })
        return out
    }

    private var resolvedDependencies: [ResourceDescriptor] {
        var out: [ResourceDescriptor] = []
        if let source {
            var annotations = role(.source)
            annotations.set("ref", source.ref.map(JSON.string))
            if !source.directory.isEmpty { annotations["directory"] = .string(source.directory) }
            annotations["clean"] = .bool(changedInputs.isEmpty)
            out.append(
                ResourceDescriptor(
                    uri: source.origin.map { "git+" + URLCredentials.removed(from: $0) },
                    digest: ["gitCommit": source.commit], annotations: annotations))
        }
        var annotations = role(.inputs)
        annotations["files"] = .integer(inputCount)
        out.append(
            ResourceDescriptor(
                name: "inputs", uri: "martlet:inputs", digest: ["sha256": inputs.hex], annotations: annotations))
        for changed in changedInputs.sorted(by: { $0.path < $1.path }) {
            var annotations = role(.changed)
            annotations["reason"] = .string(changed.reason)
            out.append(
                ResourceDescriptor(
                    name: redactor.redact(changed.path), uri: MartletBuild.inputURI(redactor.redact(changed.path)),
                    digest: changed.digest.map { ["sha256": $0.hex] } ?? [:], annotations: annotations))
        }
        out += descriptors(dependencies, .package) { $0.name.map(MartletBuild.packageURI) }
        out += descriptors(tools, .tool) { $0.name.map { "martlet:tool/" + $0 } }
        out += descriptors(fetched, .fetched) { _ in nil }
        out += descriptors(images, .image) { _ in nil }
        for package in locked.sorted(by: { $0.uri < $1.uri }) {
            out.append(ResourceDescriptor(uri: package.uri, digest: package.digest, annotations: role(.locked)))
        }
        return out + archive
    }

    private func role(_ role: MartletBuild.Role) -> JSONObject { ["role": .string(role.rawValue)] }

    private func descriptors(
        _ resources: [Resource], _ role: MartletBuild.Role, uri: (Resource) -> String?
    ) -> [ResourceDescriptor] {
        let sorted = resources.sorted {
            ($0.name ?? "", $0.uri ?? "", $0.digest?.hex ?? "") < ($1.name ?? "", $1.uri ?? "", $1.digest?.hex ?? "")
        }
        return sorted.map { resource in
            var annotations = self.role(role)
            annotations.set("version", resource.version.map { .string(redactor.redact($0)) })
            if let archive = resource.archive {
                annotations["origin"] = "leeway"
                annotations["archive"] = .string(archive.description)
            }
            return ResourceDescriptor(
                name: resource.name, uri: (resource.uri ?? uri(resource)).map(redactor.redact),
                digest: resource.digest.map { ["sha256": $0.hex] } ?? [:], annotations: annotations)
        }
    }

    private var byproducts: [ResourceDescriptor] {
        var out = [
            ResourceDescriptor(
                name: "sandbox", uri: "martlet:sandbox/" + sandbox, annotations: ["level": .string(sandbox)]),
            ResourceDescriptor(
                name: "cache", uri: "martlet:cache/" + cacheOrigin, annotations: ["origin": .string(cacheOrigin)]),
        ]
        if let log { out.append(ResourceDescriptor(name: "log", digest: ["sha256": log.hex])) }
        return out
    }
}
