internal import Bytes

/// What the members of a document may be. slsa-verifier's readers know nothing else, and refuse what they don't know.
indirect enum StatementShape: Sendable {
    case anything, text, flag, moment
    case list(StatementShape)
    case map(StatementShape)
    /// Members by their names in lower case, as Go compares them.
    case object([String: StatementShape])
    /// An object that, when it is absent, is not the same as an empty one.
    case optional(StatementShape)

    /// Where a value has not this shape; `nil` where it has. `null` stands for nothing.
    func mismatch(_ value: JSON?, at path: String) -> String? {
        guard let value, !value.isNull else { return nil }
        switch self {
        case .anything: return nil
        case .text: return value.stringValue == nil ? "\(path) is \(value.kind), not a string" : nil
        case .flag: return value.boolValue == nil ? "\(path) is \(value.kind), not true or false" : nil
        case .moment: return value.stringValue.flatMap { Timestamp($0) } == nil ? "\(path) is no moment" : nil
        case .optional(let shape): return shape.mismatch(value, at: path)
        case .list(let element):
            guard let elements = value.arrayValue else { return "\(path) is \(value.kind), not an array" }
            for (index, value) in elements.enumerated() {
                if let mismatch = element.mismatch(value, at: "\(path)[\(index)]") { return mismatch }
            }
            return nil
        case .map(let element):
            guard let members = value.objectValue else { return "\(path) is \(value.kind), not an object" }
            for member in members {
                if let mismatch = element.mismatch(member.value, at: "\(path).\(member.key)") { return mismatch }
            }
            return nil
        case .object(let shapes):
            guard let members = value.objectValue else { return "\(path) is \(value.kind), not an object" }
            for member in members {
                guard let shape = shapes[member.key.lowercased()] else { return "\(path).\(member.key) is not known" }
                if let mismatch = shape.mismatch(member.value, at: "\(path).\(member.key)") { return mismatch }
            }
            return nil
        }
    }

    /// The part of a value that has this shape, with what is absent spelled out, so that equal documents are equal.
    func known(_ value: JSON?) -> JSON {
        let value = value ?? .null
        switch self {
        case .anything: return Self.sorted(value)
        case .moment: return value
        case .text: return value.isNull ? "" : value
        case .flag: return value.isNull ? false : value
        case .optional(let shape): return value.isNull ? .null : shape.known(value)
        case .list(let element): return value.arrayValue.map { .array($0.map(element.known)) } ?? value
        case .map(let element):
            guard let members = value.objectValue else { return value }
            var out = JSONObject()
            for member in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
                out[member.key] = element.known(member.value)
            }
            return .object(out)
        case .object(let shapes):
            var found: [String: JSON] = [:]
            for member in value.objectValue?.members ?? [] { found[member.key.lowercased()] = member.value }
            var out = JSONObject()
            for (key, shape) in shapes.sorted(by: { $0.key < $1.key }) { out[key] = shape.known(found[key]) }
            return .object(out)
        }
    }

    /// A value with the members of its objects by name, and numbers in one spelling.
    private static func sorted(_ value: JSON) -> JSON {
        switch value {
        case .array(let elements): return .array(elements.map(sorted))
        case .number(let number): return number.intValue.map { .integer($0) } ?? value
        case .object(let members):
            var out = JSONObject()
            for member in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
                out[member.key] = sorted(member.value)
            }
            return .object(out)
        default: return value
        }
    }

    // MARK: - Documents

    private static let digests = map(.text)

    private static func statement(_ predicate: StatementShape, as name: String = "predicate") -> StatementShape {
        .object([
            "_type": .text, "predicatetype": .text, "subject": .list(.object(["name": .text, "digest": digests])),
            name: predicate,
        ])
    }

    private static let materials = list(.object(["uri": .text, "digest": digests]))

    /// A statement with SLSA provenance 0.2.
    static let provenance02 = statement(
        .object([
            "builder": .object(["id": .text]), "buildtype": .text, "buildconfig": .anything, "materials": materials,
            "invocation": .object([
                "configsource": .object(["uri": .text, "digest": digests, "entrypoint": .text]),
                "parameters": .anything, "environment": .anything,
            ]),
            "metadata": .optional(
                .object([
                    "buildinvocationid": .text, "buildstartedon": .moment, "buildfinishedon": .moment,
                    "completeness": .object(["parameters": .flag, "environment": .flag, "materials": .flag]),
                    "reproducible": .flag,
                ])),
        ]))

    private static let resources = list(
        .object([
            "uri": .text, "digest": digests, "name": .text, "downloadlocation": .text, "mediatype": .text,
            "content": .text, "annotations": .map(.anything),
        ]))

    /// A statement with SLSA provenance 1.
    static let provenance1 = statement(
        .object([
            "builddefinition": .object([
                "buildtype": .text, "externalparameters": .anything, "internalparameters": .anything,
                "resolveddependencies": resources,
            ]),
            "rundetails": .object([
                "builder": .object(["id": .text, "version": .map(.text), "builderdependencies": resources]),
                "metadata": .object(["invocationid": .text, "startedon": .moment, "finishedon": .moment]),
                "byproducts": resources,
            ]),
        ]))

    /// SLSA provenance 0.1 as Google Cloud Build writes it: in the statement, and in the copy for people, which has
    /// another name for the predicate.
    static let cloudBuild01 = cloudBuild(as: "predicate")
    static let cloudBuild01Copy = cloudBuild(as: "slsaprovenance")

    private static func cloudBuild(as name: String) -> StatementShape {
        statement(
            .object([
                "builder": .object(["id": .text]),
                "recipe": .object([
                    "type": .text, "entrypoint": .text, "arguments": .anything, "environment": .anything,
                ]),
                "metadata": .optional(
                    .object([
                        "buildstartedon": .moment, "buildfinishedon": .moment,
                        "completeness": .object(["arguments": .flag, "environment": .flag, "materials": .flag]),
                        "reproducible": .flag,
                    ])),
                "materials": materials,
            ]), as: name)
    }

    /// Whether two documents say the same, as far as shapes go.
    static func agree(_ left: JSON?, _ leftShape: StatementShape, _ right: JSON?, _ rightShape: StatementShape) -> Bool
    {
        // The predicate has another name in the copy; members come in the order of their names.
        func values(_ json: JSON?, _ shape: StatementShape) -> [JSON] {
            guard case .object(let members) = shape.known(json) else { return [] }
            let predicates: Set<String> = ["predicate", "slsaprovenance"]
            return members.members.filter { !predicates.contains($0.key) }.map(\.value)
                + members.members.filter { predicates.contains($0.key) }.map(\.value)
        }
        return values(left, leftShape) == values(right, rightShape)
    }
}
