package import Attest
package import Bytes
package import Registry

/// What came of building something again.
package struct RebuildReport: Sendable {
    /// The target, as it was named.
    package var target: String
    /// What the target is, and what came out.
    package var expected: String
    package var rebuilt: String
    /// Who signed the provenance; `nil` where nobody was asked for.
    package var signer: String?
    /// The digest of the provenance's payload.
    package var provenance: Digest
    /// From which sources.
    package var source: String
    /// In what the target differs from what was built, part by part.
    package var parts: [ImageComparison.Part] = []
    /// What explains a difference.
    package var notes: [String] = []

    package init(
        target: String, expected: String, rebuilt: String, signer: String?, provenance: Digest, source: String
    ) {
        self.target = target
        self.expected = expected
        self.rebuilt = rebuilt
        self.signer = signer
        self.provenance = provenance
        self.source = source
    }

    package var isEqual: Bool { expected == rebuilt }

    /// What rebuilders are called in summaries, where they have no name of their own.
    package static let verifier = "https://martlet.dev/rebuild"
    /// The rules by which a summary of a rebuild is made (docs/formats/rebuild.md).
    package static let policy = "https://martlet.dev/rebuild/v1"

    /// The verdict as a summary for policies: `SLSA_BUILD_REPRODUCED` where both are the same.
    package func summary(verifier: String, version: String, at time: Timestamp) -> VerificationSummary {
        VerificationSummary(
            verifierID: verifier, verifierVersion: ["martlet": version], timeVerified: time, resourceURI: target,
            policy: ResourceDescriptor(uri: Self.policy),
            inputAttestations: [ResourceDescriptor(name: "provenance", digest: ["sha256": provenance.hex])],
            result: isEqual ? .passed : .failed,
            verifiedLevels: [isEqual ? VerifiedLevel.reproduced.description : "FAILED"])
    }

    /// For programs.
    package var json: JSON {
        [
            "target": .string(target), "verdict": isEqual ? "equal" : "different", "expected": .string(expected),
            "rebuilt": .string(rebuilt), "source": .string(source),
            "provenance": [
                "digest": .string("\(provenance)"), "signer": signer.map(JSON.string) ?? .null,
            ],
            "differences": .array(
                parts.map { part in
                    [
                        "part": .string(part.name), "detail": .string(part.detail),
                        "files": .array(
                            part.files.map { ["path": .string($0.path), "detail": .string($0.detail)] }),
                    ]
                }), "notes": .array(notes.map(JSON.string)),
        ]
    }

    /// Files that are listed of one part.
    private static let greatestListed = 50

    /// For people. Of two values the target's comes first.
    package var lines: [String] {
        var out = [
            "provenance  \(signer.map { "signed by \($0)" } ?? "signed by nobody who was asked for")",
            "source      \(source)", "target      \(expected)", "rebuilt     \(rebuilt)",
        ]
        guard !isEqual else { return out + ["equal"] }
        for part in parts {
            out.append("\(part.name): \(part.detail)")
            for file in part.files.prefix(Self.greatestListed) { out.append("    /\(file.path): \(file.detail)") }
            let rest = part.files.count - Self.greatestListed
            if rest > 0 { out.append("    and \(rest) more files") }
        }
        return (out + notes + ["different"]).map(\.safeForTerminal)
    }
}
