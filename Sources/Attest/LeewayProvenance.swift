internal import Bytes

/// The facts of a build in the shape that Leeway writes today: statement v0.1, SLSA provenance v0.2.
///
/// The shape is Leeway's, the claims are martlet's: the builder is martlet, the commit is labelled `gitCommit`, the
/// materials do not claim to be complete, and secrets are out.
package struct LeewayProvenance: Sendable {
    package var facts: ProvenanceFacts
    /// The command line, with the program's name; redacted when the statement is made.
    package var commandLine: [String]

    package init(_ facts: ProvenanceFacts, commandLine: [String]) {
        self.facts = facts
        self.commandLine = commandLine
    }

    /// The statement.
    package var statement: Statement {
        Statement(
            version: .v0_1,
            subjects: facts.subjects.map { subject in
                Subject(name: subject.name.hasPrefix("/") ? subject.name : "/" + subject.name, digest: subject.digest)
            },
            predicateType: ProvenanceView.Format.v0_2.rawValue, predicate: predicate)
    }

    /// The envelope. Leeway indents the payload by two spaces and puts the type of the predicate before the subjects.
    package var envelope: Envelope {
        let statement = statement
        let json: JSON = [
            "_type": .string(statement.version.rawValue), "predicateType": .string(statement.predicateType),
            "subject": .array(statement.subjects.map(\.json)), "predicate": statement.predicate,
        ]
        return Envelope(payloadType: Statement.payloadType, payload: json.bytes(indented: true))
    }

    private var predicate: JSON {
        let redactor = facts.redactor
        var metadata = JSONObject()
        metadata.set("buildStartedOn", facts.metadata.startedOn.map { .string($0.description) })
        metadata.set("buildFinishedOn", facts.metadata.finishedOn.map { .string($0.description) })
        metadata["completeness"] = ["parameters": true, "environment": false, "materials": false]
        metadata["reproducible"] = false
        return [
            "builder": [
                "id": .string(
                    MartletBuild.builderID(version: facts.builder.version, digest: facts.builder.digest))
            ],
            "buildType": .string(MartletBuild.buildType),
            "invocation": [
                "configSource": [
                    "uri": .string("https://martlet.dev/build@\(facts.packageType):1"), "digest": [:],
                    "entryPoint": .string(facts.packageName),
                ],
                "parameters": ["args": .array(redactor.redact(commandLine: commandLine).map(JSON.string))],
                "environment": ["manifest": .texts(redactor.redact(arguments: facts.environment))],
            ],
            "metadata": .object(metadata), "materials": .array(materials),
        ]
    }

    /// The commit where every input is as it has it; else each input that differs, and no commit.
    private var materials: [JSON] {
        if let source = facts.source, facts.changedInputs.isEmpty {
            let origin = source.origin.map { URLCredentials.removed(from: $0) }
            return [["uri": .string("git+" + (origin ?? "file:///")), "digest": ["gitCommit": .string(source.commit)]]]
        }
        return facts.changedInputs.sorted { $0.path < $1.path }.map { input in
            [
                "uri": .string("file://" + facts.redactor.redact(input.path)),
                "digest": .texts(input.digest.map { ["sha256": $0.hex] } ?? [:]),
            ]
        }
    }
}
