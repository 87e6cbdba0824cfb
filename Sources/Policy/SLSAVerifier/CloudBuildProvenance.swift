internal import Attest
internal import Bytes
package import Keys

/// Google Cloud Build's provenance, as `gcloud artifacts docker images describe --show-provenance --format json`
/// prints it: summaries and copies for people around signed envelopes.
package struct CloudBuildProvenance: Sendable {
    /// The builder, of which each version before 1.0 has an `@vX.Y`.
    package static let builder = "https://cloudbuild.googleapis.com/GoogleHostedWorker"
    private static let version1Type = "https://cloud.google.com/build/gcb-buildtypes/google-worker/v1"

    /// Google's public keys by the names of their files: regions, and two that sign as DSSE asks.
    package struct KeyRing: Sendable {
        static let version1 = "global-pae-google-hosted-worker_1"
        static let version01 = "global-pae-provenanceSigner_1"
        package var keys: [String: PublicKey]

        package init(_ keys: [String: PublicKey]) { self.keys = keys }

        /// The key's name by the id that a signature gives; `nil` for keys of somebody else.
        static func name(of id: String) -> String? {
            let ring = "projects/verified-builder/locations/"
            switch id {
            case ring + "global/keyRings/attestor/cryptoKeys/google-hosted-worker/cryptoKeyVersions/1": return version1
            case ring + "global/keyRings/attestor/cryptoKeys/provenanceSigner/cryptoKeyVersions/1": return version01
            default:
                let suffix = "/keyRings/attestor/cryptoKeys/builtByGCB/cryptoKeyVersions/1"
                guard id.hasPrefix(ring), id.hasSuffix(suffix), id.utf8.count >= ring.utf8.count + suffix.utf8.count
                else { return nil }
                return String(id.dropFirst(ring.count).dropLast(suffix.count))
            }
        }
    }

    private let json: JSON
    /// The entry whose signature was verified, and what is signed in it.
    private let entry: JSON
    private let statement: JSON
    let payload: [UInt8]
    private let isVersion1: Bool

    private var predicate: JSON { statement["predicate"] ?? [:] }

    /// Finds the first entry that one of the keys has signed.
    init(parsing bytes: [UInt8], keys: KeyRing) throws(SLSAVerifierError) {
        do {
            json = try JSON(parsing: bytes, limits: JSONLimits(byteCount: 64 << 20, depth: 128))
        } catch {
            throw SLSAVerifierError(.invalidDSSEPayload, "the provenance is not JSON: \(error)")
        }
        let entries = json["provenance_summary"]?["provenance"]?.arrayValue ?? []
        guard !entries.isEmpty, entries.count <= 1000 else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the file has \(entries.count) provenances")
        }
        var reasons: [String] = []
        for entry in entries {
            do throws(SLSAVerifierError) {
                let (payload, isVersion1) = try Self.signedPayload(entry["envelope"], keys)
                statement = try Self.statement(payload, isVersion1)
                self.entry = entry
                self.payload = payload
                self.isVersion1 = isVersion1
                return
            } catch {
                reasons.append(error.description)
            }
        }
        throw SLSAVerifierError(.noValidSignature, reasons.prefix(5).joined(separator: "; "))
    }

    /// The payload of an envelope that one of the keys has signed, and whether it is of version 1.
    private static func signedPayload(
        _ json: JSON?, _ keys: KeyRing
    ) throws(SLSAVerifierError) -> (payload: [UInt8], isVersion1: Bool) {
        let type = json?["payloadType"]?.stringValue ?? ""
        guard type == Statement.payloadType else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the payload type is '\(type)'")
        }
        guard let payload = try? Base64.decode(json?["payload"]?.stringValue ?? "") else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the payload is not base64")
        }
        guard !payload.isEmpty else { throw SLSAVerifierError(.invalidFormat, "the payload is empty") }
        var reasons: [String] = []
        for signature in (json?["signatures"]?.arrayValue ?? []).prefix(100) {
            guard let name = KeyRing.name(of: signature["keyid"]?.stringValue ?? "") else { continue }
            let isRegional = name != KeyRing.version1 && name != KeyRing.version01
            // Regions sign the payload itself, not the encoding of DSSE.
            let message =
                isRegional ? payload : Envelope.preAuthenticationEncoding(type: Statement.payloadType, payload: payload)
            do {
                guard let key = keys.keys[name] else { throw KeyError(.unsupported, "there is no key '\(name)'") }
                let bytes = try Base64.decode(signature["sig"]?.stringValue ?? "", alphabet: .either)
                try key.verify(bytes, of: .bytes(message), hash: .sha256)
                return (payload, name == KeyRing.version1)
            } catch {
                reasons.append("\(name): \(error)")
            }
        }
        throw SLSAVerifierError(
            .noValidSignature,
            reasons.isEmpty ? "no signature is by a key of Google Cloud Build" : reasons.joined(separator: "; "))
    }

    private static func statement(_ payload: [UInt8], _ isVersion1: Bool) throws(SLSAVerifierError) -> JSON {
        guard let json = try? JSON(parsing: payload, limits: JSONLimits(byteCount: 64 << 20, depth: 128)),
            json.objectValue != nil
        else { throw SLSAVerifierError(.invalidDSSEPayload, "the payload is no JSON object") }
        let wanted = isVersion1 ? WorkflowProvenance.v1 : "https://slsa.dev/provenance/v0.1"
        let type = json["predicateType"]?.stringValue ?? ""
        guard Statement.Version(rawValue: json["_type"]?.stringValue ?? "") != nil, type == wanted else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the predicate type is '\(type)', not \(wanted)")
        }
        return json
    }

    // MARK: - Checks, in slsa-verifier's order

    /// Checks who built, and gives the builder.
    func builder(wanted: String?) throws(SLSAVerifierError) -> TrustedBuilder {
        let run = isVersion1 ? predicate["runDetails"] : predicate
        let id = run?["builder"]?["id"]?.stringValue ?? ""
        guard (isVersion1 ? [Self.builder] : ["\(Self.builder)@v0.2", "\(Self.builder)@v0.3"]).contains(id) else {
            throw SLSAVerifierError(.invalidBuilderID, "'\(id)'")
        }
        let builder = try TrustedBuilder(id)
        if let wanted { try builder.match(loosely: wanted, allowsShortVersion: false) }
        guard !isVersion1 else {
            let type = predicate["buildDefinition"]?["buildType"]?.stringValue ?? ""
            guard type == Self.version1Type else { throw SLSAVerifierError(.invalidBuildType, "'\(type)'") }
            return builder
        }
        let recipe = predicate["recipe"]
        let type = recipe?["type"]?.stringValue ?? ""
        let isKnown =
            builder.version == "v0.2"
            ? type == id
            : ["CloudBuildYaml@", "CloudBuildSteps@"].contains {
                type.hasPrefix("https://cloudbuild.googleapis.com/\($0)")
            }
        guard isKnown else { throw SLSAVerifierError(.invalidRecipe, "'\(type)'") }
        guard let arguments = recipe?["arguments"]?["@type"]?.stringValue else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the recipe's arguments do not say what they are")
        }
        guard arguments == "type.googleapis.com/google.devtools.cloudbuild.v1.Build" else {
            throw SLSAVerifierError(.mismatchBuilderID, "the recipe's arguments are a '\(arguments)'")
        }
        return builder
    }

    func checkDigest(_ digest: String) throws(SLSAVerifierError) {
        for subject in try WorkflowProvenance.subjects(statement) {
            guard let got = subject.digest["sha256"] else {
                throw SLSAVerifierError(.invalidDSSEPayload, "a subject has no sha256")
            }
            if got.hasSameBytes(as: digest) { return }
        }
        throw SLSAVerifierError(.mismatchHash, "sha256:\(digest) is no subject of the statement")
    }

    func checkSource(_ wanted: String, _ builder: TrustedBuilder) throws(SLSAVerifierError) {
        var uri = try sourceURI()
        if uri.hasPrefix("git+") { uri = String(uri.dropFirst(4)) }
        let wanted = uri.hasPrefix("https://") && !wanted.hasPrefix("https://") ? "https://\(wanted)" : wanted
        let isMeant: Bool
        if isVersion1 {
            let parts = uri.split(separator: "@", omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw SLSAVerifierError(.invalidFormat, "'\(uri)' has no reference") }
            isMeant = String(parts[0]).hasSameBytes(as: wanted)
        } else if builder.version == "v0.2" {
            isMeant = uri.hasPrefix("\(wanted)/commit/") || uri.hasPrefix("\(wanted)#")
        } else {
            isMeant = uri.hasSameBytes(as: wanted) || uri.hasPrefix("\(wanted)#")
        }
        guard isMeant else { throw SLSAVerifierError(.mismatchSource, "expected source '\(wanted)', got '\(uri)'") }
    }

    private func sourceURI() throws(SLSAVerifierError) -> String {
        guard isVersion1 else {
            guard let first = predicate["materials"]?[0] else {
                throw SLSAVerifierError(.invalidDSSEPayload, "the statement names no sources")
            }
            guard let uri = first["uri"]?.stringValue, !uri.isEmpty else {
                throw SLSAVerifierError(.malformedURI, "the source's address is empty")
            }
            return uri
        }
        return "\(try configSource("repository"))@\(try configSource("ref"))"
    }

    private func configSource(_ field: String) throws(SLSAVerifierError) -> String {
        guard let source = predicate["buildDefinition"]?["externalParameters"]?["buildConfigSource"] else {
            throw SLSAVerifierError(.notPresent, "buildConfigSource")
        }
        guard let text = source[field]?.stringValue else {
            throw SLSAVerifierError(.invalidDSSEPayload, "buildConfigSource has no \(field)")
        }
        return text
    }

    /// Checks what stands around the statement: it is not signed, and must say the same.
    func checkSurroundings(_ digest: String) throws(SLSAVerifierError) {
        let kind = entry["kind"]?.stringValue ?? ""
        guard kind == "BUILD" else { throw SLSAVerifierError(.invalidFormat, "the kind is '\(kind)', not BUILD") }
        let summary = json["image_summary"]
        let named: [(String, String, isWhole: Bool)] = [
            ("resourceUri", entry["resourceUri"]?.stringValue ?? "", false),
            ("image_summary.digest", summary?["digest"]?.stringValue ?? "", true),
            ("image_summary.fully_qualified_digest", summary?["fully_qualified_digest"]?.stringValue ?? "", false),
        ]
        for (field, got, isWhole) in named {
            let text = "sha256:\(digest)"
            let isMeant =
                isWhole
                ? got.hasSameBytes(as: text) : got.hasSuffix(field == "resourceUri" ? "@\(text)" : text)
            guard isMeant else {
                throw SLSAVerifierError(.mismatchHash, "\(field) is '\(got)', and the image sha256:\(digest)")
            }
        }
        let build = entry["build"]
        let isSame =
            isVersion1
            ? StatementShape.agree(
                build?["inTotoSlsaProvenanceV1"], .provenance1, statement, .provenance1)
            : StatementShape.agree(build?["intotoStatement"], .cloudBuild01Copy, statement, .cloudBuild01)
        guard isSame else {
            throw SLSAVerifierError(.mismatchIntoto, "the copy for people says something else than what is signed")
        }
    }

    /// The tag that was built.
    func tag() throws(SLSAVerifierError) -> String {
        let variables =
            isVersion1
            ? predicate["buildDefinition"]?["internalParameters"]?["systemSubstitutions"]
            : predicate["recipe"]?["arguments"]?["substitutions"]
        guard let tag = variables?["TAG_NAME"]?.stringValue else {
            throw SLSAVerifierError(.notPresent, "the build has no TAG_NAME")
        }
        guard isVersion1 else { return tag }
        let ref = try configSource("ref")
        guard ref.hasSameBytes(as: "refs/tags/\(tag)") else {
            throw SLSAVerifierError(.invalidDSSEPayload, "the build has the tag '\(tag)' and the reference '\(ref)'")
        }
        return tag
    }
}

extension SLSAVerifierRun {
    /// Whether the user's builder is Google Cloud Build, whose keys are needed then.
    package var isForCloudBuild: Bool {
        get throws(SLSAVerifierError) { try authority() == .cloudBuild }
    }

    /// Checks the provenance of an image that Google Cloud Build made.
    ///
    /// - Parameter digest: The image's SHA-256 in hexadecimal.
    package func verifyCloudBuild(
        _ bytes: [UInt8], digest: String, keys: CloudBuildProvenance.KeyRing
    ) throws(SLSAVerifierError) -> Verified {
        let provenance = try CloudBuildProvenance(parsing: bytes, keys: keys)
        let builder = try provenance.builder(wanted: options.builderID)
        try provenance.checkDigest(digest)
        try provenance.checkSource(options.sourceURI, builder)
        try provenance.checkSurroundings(digest)
        if options.sourceBranch != nil {
            throw SLSAVerifierError(.notSupported, "Google Cloud Build does not say the branch")
        }
        if let wanted = options.sourceTag {
            let got = try Self.tag(provenance, or: .mismatchTag)
            guard got.hasSameBytes(as: wanted) else {
                throw SLSAVerifierError(.mismatchTag, "expected tag '\(wanted)', got '\(got)'")
            }
        }
        if let wanted = options.sourceVersionedTag {
            try Self.checkVersion(Self.tag(provenance, or: .mismatchVersionedTag), wanted)
        }
        return Verified(builder: builder.description, commit: nil, payload: provenance.payload)
    }

    private static func tag(
        _ provenance: CloudBuildProvenance, or identity: SLSAVerifierError.Identity
    ) throws(SLSAVerifierError) -> String {
        do throws(SLSAVerifierError) {
            return try provenance.tag()
        } catch {
            throw SLSAVerifierError(identity, error.message)
        }
    }
}
