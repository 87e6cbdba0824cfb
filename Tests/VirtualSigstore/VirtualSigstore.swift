package import Bytes
internal import Keys
package import Sigstore
internal import Synchronization
package import Wire

/// A whole Sigstore in one process: certificate authority, certificate log, transparency logs of both versions and a
/// timestamp authority. It can be asked like the real ones, without a socket, and told to answer wrongly.
package final class VirtualSigstore: HTTPTransport {
    /// One way in which an answer is not what a verifier may accept.
    package enum Fault: String, CaseIterable, Sendable {
        case foreignAuthority, expiredCertificate, futureCertificate, noCodeSigning, twoNames, uncriticalName,
            authorityAsSigner
        case noPromise, foreignCertificateLog, wrongCertificateLogPromise
        case foreignLog, wrongPromise, wrongInclusionProof, wrongCheckpoint, checkpointOfOtherTree, otherEntry
        case foreignTimestamps, lateTimestamp, wrongPurposeOfTimestamps, otherNonce, otherImprint
        case keyOfAnother
    }

    package let faults: Set<Fault>
    package let majorLogVersion: Int
    private let base: String
    private let clock: @Sendable () -> Timestamp
    private let authority: CertificateIssuer
    private let intermediate: CertificateIssuer
    private let foreign: CertificateIssuer
    private let certificateLog: CertificateLog
    private let foreignCertificateLog: CertificateLog
    private let log: VirtualLog
    private let foreignLog: VirtualLog
    private let timestampRoot: CertificateIssuer
    private let timestamper: TimestampIssuer
    private let foreignTimestamper: TimestampIssuer
    private let start: Timestamp
    /// Whether only the first interface of the certificate authority is there.
    private let hasOldAuthority: Bool
    /// What certificates say beside the issuer, by the number of the extension (fulcio, docs/oid-info.md).
    private let claims: [(number: UInt, text: String)]
    /// Guards the addresses that were asked; nothing else is locked while it is held.
    private let heard = Mutex<[String]>([])

    /// `base` is where it says to be; nothing listens there unless a server passes requests on.
    package init(
        base: String = "https://sigstore.example", majorLogVersion: Int = 2, faults: Set<Fault> = [],
        hasOldAuthority: Bool = false, claims: [(number: UInt, text: String)] = [],
        clock: @escaping @Sendable () -> Timestamp
    ) throws {
        self.base = base
        self.majorLogVersion = majorLogVersion
        self.faults = faults
        self.hasOldAuthority = hasOldAuthority
        self.claims = claims
        self.clock = clock
        let now = clock()
        func moment(_ days: Int64) throws -> Timestamp {
            guard let moment = Timestamp(seconds: now.seconds + days * 86400) else { throw Refusal(500, "no clock") }
            return moment
        }
        start = try moment(-30)
        let end = try moment(3650)
        authority = try CertificateIssuer.root("virtual.example", from: start, to: end)
        intermediate = try authority.intermediate("virtual.example", from: start, to: end)
        foreign = try CertificateIssuer.root("virtual.example", from: start, to: end)
        certificateLog = try CertificateLog()
        foreignCertificateLog = try CertificateLog()
        let origin = String(base.drop { $0 != "/" }.dropFirst(2))
        log = try VirtualLog(origin: origin, isVersion2: majorLogVersion == 2)
        foreignLog = try VirtualLog(origin: origin, isVersion2: majorLogVersion == 2)
        timestampRoot = try CertificateIssuer.root("virtual.example timestamps", from: start, to: end)
        timestamper = try TimestampIssuer(
            below: timestampRoot, from: start, to: end, isForTimestamps: !faults.contains(.wrongPurposeOfTimestamps))
        foreignTimestamper = try TimestampIssuer(below: foreign, from: start, to: end)
    }

    /// The addresses that were asked, in order.
    package var requests: [String] { heard.withLock { $0 } }

    package func trustedRoot() throws -> TrustedRoot {
        let period = ValidityPeriod(start: start)
        func log(_ url: String, _ key: PrivateKey) throws -> TrustedRoot.Log {
            try TrustedRoot.Log(url: url, key: key.publicKey, origin: self.log.origin, period: period)
        }
        func authority(_ url: String, _ chain: [[UInt8]]) throws -> TrustedRoot.Authority {
            TrustedRoot.Authority(uri: url, certificates: try chain.map { try Certificate(der: $0) }, period: period)
        }
        return TrustedRoot(
            logs: [try log(base, self.log.key)], certificateLogs: [try log(base + "/ct", certificateLog.key)],
            certificateAuthorities: [try authority(base, [intermediate.der, self.authority.der])],
            timestampAuthorities: [
                try authority(base + "/api/v1/timestamp", [timestamper.der, timestampRoot.der])
            ])
    }

    package func signingConfig(withTimestamps: Bool = true) -> SigningConfig {
        func service(_ url: String, _ version: Int) -> SigningConfig.Service {
            SigningConfig.Service(
                url: url, majorAPIVersion: version, period: ValidityPeriod(start: start), operator: "virtual.example")
        }
        return SigningConfig(
            certificateAuthorities: [service(base, 1)], tokenIssuers: [service(base, 1)],
            logs: [service(base, majorLogVersion)],
            timestampAuthorities: withTimestamps ? [service(base + "/api/v1/timestamp", 1)] : [])
    }

    // MARK: Answers

    package func fetch(_ request: HTTPRequest, limit: Int, deadline: Duration?) async throws(WireError) -> HTTPAnswer {
        var body: [UInt8] = []
        if case .bytes(let bytes) = request.body { body = bytes }
        let (status, type, answer) = answer(
            request.method.rawValue, request.url.target, authorization: request.fields["Authorization"], body)
        guard answer.count <= limit else { throw WireError(.tooLarge, "the answer has \(answer.count) bytes") }
        return HTTPAnswer(status: status, fields: ["Content-Type": type], url: request.url, bytes: answer)
    }

    /// The answer to a request, for whoever passes it on from a socket.
    package func answer(
        _ method: String, _ target: String, authorization: String?, _ body: [UInt8]
    ) -> (status: Int, type: String, body: [UInt8]) {
        heard.withLock { $0.append("\(method) \(target)") }
        do {
            switch (method, target.prefix { $0 != "?" }) {
            case ("POST", "/api/v2/signingCert"):
                if hasOldAuthority { throw Refusal(404, "no such interface") }
                let json = try JSON(parsing: body)
                // The token may stand in either place.
                let inside = json["credentials"]?["oidcIdentityToken"]?.stringValue
                let chain = try certify(json, token: inside ?? authorization.map { String($0.dropFirst(7)) })
                let list = JSON.array(chain.map { .string(PEM(label: "CERTIFICATE", bytes: $0).text) })
                return ok(["signedCertificateEmbeddedSct": ["chain": ["certificates": list]]])
            case ("POST", "/api/v1/signingCert"):
                let chain = try certify(try JSON(parsing: body), token: authorization.map { String($0.dropFirst(7)) })
                let text = chain.map { PEM(label: "CERTIFICATE", bytes: $0).text }.joined()
                return (201, "application/pem-certificate-chain", Array(text.utf8))
            case ("POST", "/api/v1/timestamp"):
                return (201, "application/timestamp-reply", try timestamp(body))
            case ("POST", "/api/v1/log/entries") where majorLogVersion == 1:
                return (201, "application/json", try recordV1(try JSON(parsing: body)))
            case ("POST", "/api/v2/log/entries") where majorLogVersion == 2:
                return ok(try recordV2(try JSON(parsing: body)), 201)
            default: throw Refusal(404, "no such interface: \(method) \(target)")
            }
        } catch let error as Refusal {
            return (error.status, "text/plain", Array(error.reason.utf8))
        } catch {
            return (400, "text/plain", Array("\(error)".utf8))
        }
    }

    private func ok(_ json: JSON, _ status: Int = 200) -> (status: Int, type: String, body: [UInt8]) {
        (status, "application/json", json.bytes())
    }

    // MARK: Certificates

    private func certify(_ json: JSON, token: String?) throws -> [[UInt8]] {
        guard let text = token, let token = try? IdentityToken(text) else { throw Refusal(401, "no token") }
        let now = clock()
        do { try token.check(at: now) } catch { throw Refusal(401, "\(error)") }
        guard let request = json["certificateSigningRequest"]?.stringValue.flatMap({ try? Base64.decode($0) }),
            let block = try PEM.blocks(in: request).first
        else { throw Refusal(400, "no request for a certificate") }
        var key = try CertificateRequestReader.verifiedKey(in: block.bytes)
        if faults.contains(.keyOfAnother) { key = try PrivateKey.generate(.ecdsaP256).publicKey }
        let issuer = faults.contains(.foreignAuthority) ? foreign : intermediate
        let offset: Int64 =
            faults.contains(.expiredCertificate) ? -86400 : faults.contains(.futureCertificate) ? 86400 : 0
        guard let from = Timestamp(seconds: now.seconds + offset), let to = Timestamp(seconds: from.seconds + 600)
        else {
            throw Refusal(500, "no clock")
        }
        let profile = CertificateIssuer.Profile(
            key: key, notBefore: from, notAfter: to, extensions: extensions(for: key, issuer.key.publicKey, token))
        let der = try issuer.issue(profile) { [self] toBeSigned in
            if faults.contains(.noPromise) { return [] }
            let log = faults.contains(.foreignCertificateLog) ? foreignCertificateLog : certificateLog
            let signed = faults.contains(.wrongCertificateLogPromise) ? toBeSigned + [0] : toBeSigned
            return [try log.promise(signed, issuer: issuer.key.publicKey, at: now, index: 7)]
        }
        return [der, issuer.der] + (faults.contains(.foreignAuthority) ? [] : [authority.der])
    }

    private func extensions(for key: PublicKey, _ issuer: PublicKey, _ token: IdentityToken) -> [[UInt8]] {
        let name =
            token.email.map { DERWriting.element(0x81, Array($0.utf8)) }
            ?? DERWriting.element(0x86, Array(token.subject.utf8))
        let second = faults.contains(.twoNames) ? DERWriting.element(0x81, Array("other@example.org".utf8)) : []
        func claim(_ number: UInt) -> [UInt8] { DERWriting.identifier(1, 3, 6, 1, 4, 1, 57264, 1, number) }
        var out = [
            CertificateIssuer.usage(0x80, unused: 7),
            CertificateIssuer.purpose(faults.contains(.noCodeSigning) ? 2 : 3),
            CertificateIssuer.extension(
                DERWriting.identifier(2, 5, 29, 17), isCritical: !faults.contains(.uncriticalName),
                DERWriting.sequence(name, second)),
            CertificateIssuer.extension(claim(1), Array(token.issuer.utf8)),
            CertificateIssuer.extension(claim(8), DERWriting.utf8(token.issuer)),
        ]
        out += claims.map { CertificateIssuer.extension(claim($0.number), DERWriting.utf8($0.text)) }
        if faults.contains(.authorityAsSigner) {
            out.append(
                CertificateIssuer.extension(
                    DERWriting.identifier(2, 5, 29, 19), isCritical: true, DERWriting.sequence(DERWriting.boolean(true))
                ))
        }
        return out + CertificateIssuer.identifiers(for: key, issuer: issuer)
    }

    // MARK: Timestamps

    private func timestamp(_ body: [UInt8]) throws -> [UInt8] {
        var query = try TimestampIssuer.Query(der: body)
        if faults.contains(.otherNonce) { query = query.with(nonce: [1]) }
        if faults.contains(.otherImprint) { query = query.with(digest: Digest.of("other").bytes) }
        let issuer = faults.contains(.foreignTimestamps) ? foreignTimestamper : timestamper
        guard let moment = Timestamp(seconds: clock().seconds + (faults.contains(.lateTimestamp) ? 3600 : 0)) else {
            throw Refusal(500, "no clock")
        }
        return try issuer.response(to: query, at: moment)
    }

    // MARK: Log entries

    private var recording: VirtualLog { faults.contains(.foreignLog) ? foreignLog : log }

    private func recordV1(_ json: JSON) throws -> [UInt8] {
        JSON.object(try record(LogRecord(proposedV1: json)).rekorV1(treeID: 0x108E_9186_E8C5_677A)).bytes()
    }

    private func recordV2(_ json: JSON) throws -> JSON { try record(LogRecord(requestV2: json)).rekorV2 }

    private func record(_ record: LogRecord) throws -> LogEntry {
        let body = faults.contains(.otherEntry) ? try Self.changed(JSON(parsing: record.body)).bytes() : record.body
        return try recording.append(body, record.kindVersion, at: clock(), faults: faults)
    }

    /// The body with the digest of something else.
    private static func changed(_ body: JSON) throws -> JSON {
        var text = body.text()
        let other = Digest.of("something else")
        for digest in [
            body["spec"]?["data"]?["hash"]?["value"], body["spec"]?["payloadHash"]?["value"],
        ].compactMap({ $0?.stringValue }) {
            text = text.replacing(digest, with: other.hex)
        }
        if let digest = body["spec"]?["hashedRekordV002"]?["data"]?["digest"]?.stringValue {
            text = text.replacing(digest, with: Base64.encode(other.bytes))
        }
        return try JSON(parsing: text)
    }
}

/// An answer that is no.
struct Refusal: Error {
    let status: Int
    let reason: String

    init(_ status: Int, _ reason: String) {
        self.status = status
        self.reason = reason
    }
}
