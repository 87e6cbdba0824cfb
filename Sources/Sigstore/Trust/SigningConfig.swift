internal import Attest
package import Bytes

/// Which services sign: certificate authorities, token issuers, logs and timestamp authorities (protobuf-specs,
/// `SigningConfig` 0.2).
package struct SigningConfig: Hashable, Sendable {
    /// A service and when it may be used.
    package struct Service: Hashable, Sendable {
        /// For a timestamp authority the whole address of its one call, for all others what their calls begin with.
        package var url: String
        package var majorAPIVersion: Int
        package var period: ValidityPeriod
        package var `operator`: String

        package init(url: String, majorAPIVersion: Int, period: ValidityPeriod, operator: String) {
            self.url = url
            self.majorAPIVersion = majorAPIVersion
            self.period = period
            self.operator = `operator`
        }
    }

    /// How many of the services that could be used are.
    package enum Selection: Hashable, Sendable {
        case any
        case all
        case exactly(Int)
    }

    package var certificateAuthorities: [Service]
    package var tokenIssuers: [Service]
    package var logs: [Service]
    package var logSelection: Selection
    package var timestampAuthorities: [Service]
    package var timestampSelection: Selection

    package init(
        certificateAuthorities: [Service] = [], tokenIssuers: [Service] = [], logs: [Service] = [],
        logSelection: Selection = .any, timestampAuthorities: [Service] = [], timestampSelection: Selection = .any
    ) {
        self.certificateAuthorities = certificateAuthorities
        self.tokenIssuers = tokenIssuers
        self.logs = logs
        self.logSelection = logSelection
        self.timestampAuthorities = timestampAuthorities
        self.timestampSelection = timestampSelection
    }

    package static let mediaType = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
    /// The most services of each kind.
    package static let greatestServiceCount = 256

    /// Reads a signing configuration, or the one in a client trust configuration.
    package init(parsing bytes: [UInt8]) throws(SigstoreError) {
        let json: JSON
        do {
            json = try JSON(parsing: bytes, limits: JSONLimits(byteCount: 8 << 20, depth: 32))
        } catch {
            throw SigstoreError(.malformed, "the signing configuration is not JSON: \(error)")
        }
        try self.init(json["signingConfig"] ?? json)
    }

    package init(_ json: JSON) throws(SigstoreError) {
        self = try SigstoreError.mapping { () throws(AttestError) in
            let fields = try Fields(json, at: "signingConfig")
            let mediaType = try fields.text("mediaType")
            guard mediaType.hasSameBytes(as: Self.mediaType) else {
                throw AttestError(
                    .unsupported,
                    "signingConfig.mediaType is \(mediaType.safeForTerminal); version 0.2 is known")
            }
            return SigningConfig(
                certificateAuthorities: try Self.services(fields, "caUrls"),
                tokenIssuers: try Self.services(fields, "oidcUrls"),
                logs: try Self.services(fields, "rekorTlogUrls"),
                logSelection: try Selection(fields.optionalFields("rekorTlogConfig")),
                timestampAuthorities: try Self.services(fields, "tsaUrls"),
                timestampSelection: try Selection(fields.optionalFields("tsaConfig")))
        }
    }

    private static func services(_ fields: Fields, _ key: String) throws(AttestError) -> [Service] {
        let count = try fields.list(key).count
        guard count <= greatestServiceCount else {
            throw AttestError(
                .limit, "signingConfig.\(key) has \(count) elements; the limit is \(greatestServiceCount)")
        }
        return try fields.objects(key) { fields throws(AttestError) in
            let version = try fields.optionalInt64("majorApiVersion") ?? 0
            return Service(
                url: try fields.text("url"), majorAPIVersion: Int(clamping: version),
                period: try ValidityPeriod(fields.optionalFields("validFor")),
                operator: try fields.optionalText("operator") ?? "")
        }
    }

    package var json: JSON {
        var object: JSONObject = ["mediaType": .string(Self.mediaType)]
        for (key, services) in [
            ("caUrls", certificateAuthorities), ("oidcUrls", tokenIssuers), ("rekorTlogUrls", logs),
            ("tsaUrls", timestampAuthorities),
        ] {
            object[key] = .array(services.map(\.json))
        }
        object["rekorTlogConfig"] = logSelection.json
        object["tsaConfig"] = timestampSelection.json
        return .object(object)
    }
}

extension SigningConfig.Service {
    var json: JSON {
        [
            "url": .string(url), "majorApiVersion": .integer(majorAPIVersion), "validFor": period.json,
            "operator": .string(`operator`),
        ]
    }
}

extension SigningConfig.Selection {
    init(_ fields: Fields?) throws(AttestError) {
        switch try fields?.optionalText("selector") {
        case nil, "SERVICE_SELECTOR_UNDEFINED", "ANY": self = .any
        case "ALL": self = .all
        case "EXACT":
            let count = try fields?.optionalInt64("count") ?? 0
            guard 1...Int64(SigningConfig.greatestServiceCount) ~= count else {
                throw AttestError(.malformed, "\(fields?.path ?? "").count is \(count); EXACT needs a count")
            }
            self = .exactly(Int(count))
        case let name?:
            throw AttestError(
                .unsupported, "\(fields?.path ?? "").selector is \(name.safeForTerminal); ANY, ALL and EXACT are known")
        }
    }

    var json: JSON {
        switch self {
        case .any: ["selector": "ANY"]
        case .all: ["selector": "ALL"]
        case .exactly(let count): ["selector": "EXACT", "count": .integer(count)]
        }
    }
}

extension SigningConfig {
    /// The certificate authority to use at `now`: of those whose version is in `versions`, the highest version, and of
    /// these the one that began last.
    package func certificateAuthority(at now: Timestamp, versions: Set<Int>) throws(SigstoreError) -> Service {
        guard let service = Self.usable(certificateAuthorities, at: now, versions).first?.first else {
            throw none("certificate authority", now, versions)
        }
        return service
    }

    /// The logs to use at `now`, by the configuration's selection.
    package func logs(at now: Timestamp, versions: Set<Int>) throws(SigstoreError) -> [Service] {
        try select(logs, logSelection, at: now, versions, what: "log")
    }

    /// The timestamp authorities to use at `now`; none where the configuration names none.
    package func timestampAuthorities(at now: Timestamp, versions: Set<Int>) throws(SigstoreError) -> [Service] {
        if timestampAuthorities.isEmpty { return [] }
        return try select(timestampAuthorities, timestampSelection, at: now, versions, what: "timestamp authority")
    }

    private func select(
        _ services: [Service], _ selection: Selection, at now: Timestamp, _ versions: Set<Int>, what: String
    ) throws(SigstoreError) -> [Service] {
        // Versions are never mixed: a verifier would have to know both.
        let usable = Self.usable(services, at: now, versions)
        switch selection {
        case .any: if let first = usable.first?.first { return [first] }
        case .all: if let all = usable.first { return all }
        case .exactly(let count):
            if let enough = usable.first(where: { $0.count >= count }) { return Array(enough.prefix(count)) }
        }
        throw none(what, now, versions)
    }

    /// Services by version, the highest first, each operator's newest, the newest first.
    private static func usable(_ services: [Service], at now: Timestamp, _ versions: Set<Int>) -> [[Service]] {
        versions.sorted(by: >).compactMap { version in
            let valid = services.enumerated()
                .filter { $0.element.majorAPIVersion == version && $0.element.period.contains(now) }
                .sorted { left, right in
                    guard let one = left.element.period.start, let other = right.element.period.start, one != other
                    else { return left.offset < right.offset }
                    return one > other
                }
            var operators: Set<String> = []
            let distinct = valid.map(\.element).filter { operators.insert($0.operator).inserted }
            return distinct.isEmpty ? nil : distinct
        }
    }

    private func none(_ what: String, _ now: Timestamp, _ versions: Set<Int>) -> SigstoreError {
        let known = versions.sorted().map { "\($0)" }.joined(separator: " or ")
        return SigstoreError(
            .absent,
            "the signing configuration names too few of what is needed: \(what), API version \(known), valid at \(now); update it with `martlet trust update`"
        )
    }
}
