package import Bytes
internal import Keys
internal import Sigstore

/// What whoever gets a release types to check it.
package struct ReleaseGuide: Sendable {
    /// One thing to check, and the commands that do it.
    package struct Step: Sendable {
        package var title: String
        package var commands: [String]
    }

    package private(set) var steps: [Step] = []

    /// - Parameter key: how the signer's public key is named in commands; `nil` where certificates say who signed.
    package init(_ stage: ReleaseStage, key: String?) throws {
        guard let statement = stage.statement else { return }
        var who = ""
        switch statement.identity {
        case .certificates(let chain):
            guard let der = chain.first else { return }
            let certificate = try Certificate(der: der)
            let name = try certificate.signerName().text
            let issuer = try certificate.claim(.issuer) ?? ""
            who = "--certificate-identity \(Self.quoted(name)) --certificate-oidc-issuer \(Self.quoted(issuer))"
        case .publicKey: who = "--key \(Self.quoted(key ?? "KEY.pub"))"
        }
        if !statement.entries.isEmpty {
            steps.append(
                Step(
                    title: "Once: trust the services that witnessed it",
                    commands: [
                        "martlet trust import trusted_root.json   # or: martlet trust init --root ROOT --mirror URL"
                    ]))
        }
        for file in stage.files {
            var commands = ["martlet verify \(file.name) \(who)"]
            for bundle in file.bundles.dropFirst() {
                commands.append(
                    "martlet verify \(file.name) --bundle \(bundle.name) --type \(Self.quoted(bundle.predicateType)) \(who)"
                )
            }
            steps.append(Step(title: file.name, commands: commands))
        }
        for image in stage.images {
            steps.append(
                Step(
                    title: image.repository,
                    commands: ["martlet verify \(image.repository)@\(image.digest) \(who)"]))
        }
        if !stage.files.isEmpty {
            steps.append(
                Step(
                    title: "All of it belongs together",
                    commands: [
                        "martlet verify \(ReleaseStage.sumsName) --bundle \(ReleasePlace.statementName) --type \(Release.predicateType) \(who)",
                        "sha256sum --check \(ReleaseStage.sumsName)",
                    ]))
        }
    }

    /// For a shell.
    private static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte || "@%+=:,./-_".utf8.contains(byte)
        }
        return isPlain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
    }

    /// For people.
    package var text: String {
        steps.map { step in
            "\(step.title.safeForTerminal)\n" + step.commands.map { "  \($0.safeForTerminal)\n" }.joined()
        }.joined()
    }

    package var json: JSON {
        .array(
            steps.map { ["title": .string($0.title), "commands": .array($0.commands.map(JSON.string))] })
    }
}
