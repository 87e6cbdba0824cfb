import Bytes

/// Statements that are made up, the same for the same number: artifacts that are built from earlier ones, from commits
/// and from packages.
struct GeneratedStatements {
    /// The digest of the artifact of a number.
    static func digest(_ number: Int) -> Digest { Digest.of("artifact \(number)") }

    /// A DSSE envelope around SLSA provenance, on one line.
    static func envelope(_ number: Int) -> [UInt8] {
        var dependencies: [JSON] = []
        dependencies.append([
            "uri": .string("git+https://example.org/team/repo\(number % 50)@refs/heads/main"),
            "digest": ["gitCommit": .string(String(Digest.of("commit \(number / 20)").hex.prefix(40)))],
        ])
        for step in [1, 7] where number >= step && number % 10 != 0 {
            dependencies.append(["digest": ["sha256": .string(digest(number - step).hex)]])
        }
        for step in 0..<2 {
            let package = (number &* 31 &+ step &* 17) % 5000
            dependencies.append(["uri": .string("pkg:npm/package-\(package)@1.\(number % 7).0")])
        }
        let statement: JSON = [
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [
                ["name": .string("team/component-\(number % 1000)"), "digest": ["sha256": .string(digest(number).hex)]]
            ],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": [
                "buildDefinition": [
                    "buildType": "https://example.org/build/v1", "externalParameters": [:],
                    "resolvedDependencies": .array(dependencies),
                ],
                "runDetails": [
                    "builder": ["id": .string("https://example.org/builder:1.\(number % 40)")],
                    "metadata": ["startedOn": "2026-01-01T00:00:00Z"],
                ],
            ],
        ]
        let envelope: JSON = [
            "payloadType": "application/vnd.in-toto+json", "payload": .string(Base64.encode(statement.bytes())),
            "signatures": [],
        ]
        return envelope.bytes()
    }
}
