package import Bytes

/// What came of checking a bundle.
package struct AssertionReport: Sendable {
    package var assertions: [Assertion]
    package var statementCount: Int
    package var violations: [Violation] = []

    package init(assertions: [Assertion], statementCount: Int) {
        self.assertions = assertions
        self.statementCount = statementCount
    }

    /// Whether every assertion holds for every statement.
    package var isPassed: Bool { violations.isEmpty }

    /// One line for each violation, in Leeway's words; none where all is well.
    package var lines: [String] { violations.map(\.description) }

    /// The report for programs; `docs/formats/provenance.md` describes it.
    package var json: JSON {
        [
            "passed": .bool(isPassed), "statements": .integer(statementCount), "signaturesVerified": false,
            "assertions": .array(assertions.map { .string($0.name) }),
            "violations": .array(
                violations.map { violation in
                    var object: JSONObject = [
                        "package": .string(violation.subject), "assertion": .string(violation.assertion),
                        "description": .string(violation.explanation),
                    ]
                    if let line = violation.line { object["line"] = .integer(line) }
                    return .object(object)
                }),
        ]
    }

    /// The report as a SARIF log (OASIS SARIF 2.1.0), for code-scanning services.
    ///
    /// - Parameters:
    ///   - bundle: the URI or relative path of the bundle.
    ///   - version: martlet's version.
    package func sarif(bundle: String, version: String) -> JSON {
        var rules: [(id: String, summary: String)] = [
            (BundlePolicy.bundleRule, "The bundle has a statement about what was asked for."),
            (BundlePolicy.statementRule, "Every statement is provenance of a known version."),
        ]
        for assertion in assertions where !rules.contains(where: { $0.id == assertion.name }) {
            rules.append((assertion.name, assertion.summary))
        }
        let results = violations.map { violation -> JSON in
            var location: JSONObject = ["artifactLocation": ["uri": .string(bundle)]]
            if let line = violation.line { location["region"] = ["startLine": .integer(line)] }
            var place: JSONObject = ["physicalLocation": .object(location)]
            if !violation.subject.isEmpty {
                place["logicalLocations"] = [["fullyQualifiedName": .string(violation.subject), "kind": "package"]]
            }
            return [
                "ruleId": .string(violation.assertion),
                "ruleIndex": .integer(rules.firstIndex { $0.id == violation.assertion } ?? 0), "level": "error",
                "message": ["text": .string(violation.description)], "locations": [.object(place)],
            ]
        }
        return [
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
            "runs": [
                [
                    "tool": [
                        "driver": [
                            "name": "martlet", "version": .string(version),
                            "rules": .array(
                                rules.map { ["id": .string($0.id), "shortDescription": ["text": .string($0.summary)]] }
                            ),
                        ]
                    ],
                    "results": .array(results),
                ]
            ],
        ]
    }
}
