package import Bytes
package import Sandbox
package import Workspace

/// A package's result as the cache has it: the artifact, how it came to be, and its provenance.
package struct BuiltPackage: Sendable {
    /// An artifact of another package that is part of this one's, at a path of it.
    package struct Reference: Sendable, Hashable {
        package var package: PackageName
        /// Relative to the artifact's root.
        package var path: String
        /// The key of the package that is referred to.
        package var key: Digest

        package init(package: PackageName, path: String, key: Digest) {
            self.package = package
            self.path = path
            self.key = key
        }

        fileprivate init?(json: JSON) {
            guard let package = json["package"]?.stringValue.flatMap({ PackageName($0) }),
                let path = json["path"]?.stringValue, let key = json["key"]?.stringValue.flatMap({ Digest(hex: $0) })
            else { return nil }
            self.init(package: package, path: path, key: key)
        }

        fileprivate var json: JSON {
            ["package": .string(package.description), "path": .string(path), "key": .string(key.hex)]
        }
    }

    /// Where an artifact is from that another tool made: an object in Leeway's own remote cache.
    package struct Import: Sendable, Hashable {
        /// The object's name there.
        package var object: String
        /// The digest of the archive, which the attestation is about.
        package var archive: Digest
        /// The digest of the bytes of the attestation, which the cache keeps.
        package var attestation: Digest

        package init(object: String, archive: Digest, attestation: Digest) {
            self.object = object
            self.archive = archive
            self.attestation = attestation
        }
    }

    /// What is known of one step's run.
    package struct Step: Sendable, Hashable {
        package var kind: StepKind
        package var action: Digest
        /// What the step printed.
        package var log: Digest?
        package var seconds: Double

        package init(kind: StepKind, action: Digest, log: Digest?, seconds: Double) {
            self.kind = kind
            self.action = action
            self.log = log
            self.seconds = seconds
        }
    }

    /// A file that a fetch step left, under the path that it has there.
    package struct FetchedFile: Sendable, Hashable {
        package var path: String
        package var digest: Digest

        package init(path: String, digest: Digest) {
            self.path = path
            self.digest = digest
        }
    }

    package var name: PackageName
    package var key: Digest
    package var leewayVersion: String
    /// The artifact's own files, without those of the packages that it refers to.
    package var ownTree: Digest
    /// The artifact whole: the root of the tree in which every reference is resolved.
    package var artifact: Digest
    package var references: [Reference]
    /// Every package that this one was built from, whether or not it is part of the artifact; paths are empty.
    package var dependencies: [Reference]
    package var inputTree: Digest
    package var steps: [Step]
    package var fetched: [FetchedFile]
    package var sandbox: SandboxLevel
    /// Seconds since 1970.
    package var startedOn: Int
    package var finishedOn: Int
    /// The state of the repository (`SourceFacts.state`) in which the statement about this package, or about one that
    /// it was built from, says that inputs are not as the commit has them. In another state what it says may no longer
    /// be so, and it has to be written again. `nil` when every input was committed: that stays true.
    package var uncommitted: Digest?
    /// Whoever signed the provenance which an image carries inside; empty where nobody did, `nil` where
    /// there is none inside.
    package var bundleSigner: String?
    /// `nil` for what martlet built.
    package var imported: Import?

    /// The record as the cache stores it (docs/formats/cache.md).
    package var json: JSON {
        var json: JSONObject = [
            "name": .string(name.description), "key": .string(key.hex), "leewayVersion": .string(leewayVersion),
            "ownTree": .string(ownTree.hex), "artifact": .string(artifact.hex),
            "references": .array(references.map(\.json)), "dependencies": .array(dependencies.map(\.json)),
            "inputTree": .string(inputTree.hex),
            "steps": .array(
                steps.map {
                    [
                        "kind": .string($0.kind.rawValue), "action": .string($0.action.hex),
                        "log": $0.log.map { .string($0.hex) } ?? .null,
                        "milliseconds": .integer(Int(($0.seconds * 1000).rounded())),
                    ]
                }),
            "fetched": .array(fetched.map { ["path": .string($0.path), "sha256": .string($0.digest.hex)] }),
            "sandbox": .string(sandbox.rawValue),
            "startedOn": .integer(startedOn), "finishedOn": .integer(finishedOn),
            "uncommitted": uncommitted.map { .string($0.hex) } ?? .null,
            "bundleSigner": bundleSigner.map(JSON.string) ?? .null,
        ]
        if let imported {
            json["imported"] = [
                "object": .string(imported.object), "archive": .string(imported.archive.hex),
                "attestation": .string(imported.attestation.hex),
            ]
        }
        return .object(json)
    }
}

extension BuiltPackage {
    /// Reads a record; `nil` when anything in it is not as this version writes it.
    package init?(json: JSON) {
        func digest(_ json: JSON?) -> Digest? { json?.stringValue.flatMap { Digest(hex: $0) } }
        func list<Element>(_ name: String, _ element: (JSON) -> Element?) -> [Element]? {
            guard let array = json[name]?.arrayValue else { return nil }
            let elements = array.compactMap(element)
            return elements.count == array.count ? elements : nil
        }
        guard let name = json["name"]?.stringValue.flatMap({ PackageName($0) }),
            let key = digest(json["key"]), let ownTree = digest(json["ownTree"]),
            let leewayVersion = json["leewayVersion"]?.stringValue,
            let artifact = digest(json["artifact"]), let inputTree = digest(json["inputTree"]),
            let sandbox = json["sandbox"]?.stringValue.flatMap(SandboxLevel.init(rawValue:)),
            let startedOn = json["startedOn"]?.intValue, let finishedOn = json["finishedOn"]?.intValue,
            let uncommitted = json["uncommitted"], uncommitted.isNull || digest(uncommitted) != nil,
            let references = list("references", Reference.init(json:)),
            let dependencies = list("dependencies", Reference.init(json:)),
            let steps = list(
                "steps",
                { json -> Step? in
                    guard let kind = json["kind"]?.stringValue.flatMap(StepKind.init(rawValue:)),
                        let action = digest(json["action"]), let milliseconds = json["milliseconds"]?.intValue
                    else { return nil }
                    return Step(
                        kind: kind, action: action, log: digest(json["log"]), seconds: Double(milliseconds) / 1000)
                }),
            let fetched = list(
                "fetched",
                { json -> FetchedFile? in
                    guard let path = json["path"]?.stringValue, let digest = digest(json["sha256"]) else { return nil }
                    return FetchedFile(path: path, digest: digest)
                })
        else { return nil }
        var imported: Import?
        if let json = json["imported"] {
            guard let object = json["object"]?.stringValue, let archive = digest(json["archive"]),
                let attestation = digest(json["attestation"])
            else { return nil }
            imported = Import(object: object, archive: archive, attestation: attestation)
        }
        self.init(
            name: name, key: key, leewayVersion: leewayVersion, ownTree: ownTree, artifact: artifact,
            references: references,
            dependencies: dependencies, inputTree: inputTree, steps: steps, fetched: fetched,
            sandbox: sandbox, startedOn: startedOn, finishedOn: finishedOn, uncommitted: digest(uncommitted),
            bundleSigner: json["bundleSigner"]?.stringValue, imported: imported)
    }
}
