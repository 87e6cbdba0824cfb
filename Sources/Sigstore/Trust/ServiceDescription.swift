package import Bytes
internal import Host
internal import Keys
package import SystemPackage

/// A service as one describes it on the command line, `url=URL,certificate-chain=FILE,start-time=TIME`, from which
/// trusted roots and signing configurations are made.
package struct ServiceDescription: Hashable, Sendable {
    package var url: String
    /// A PEM file: the chain of an authority, its own certificate first, or the key of a log.
    package var file: FilePath?
    package var start: Timestamp?
    package var end: Timestamp?
    package var `operator`: String?
    package var majorAPIVersion: Int?
    /// The name on a log's checkpoints; by default its address without the scheme.
    package var origin: String?

    /// Reads `NAME=VALUE` pairs parted by commas.
    package init(parsing text: String) throws(SigstoreError) {
        var values: [String: String] = [:]
        for pair in text.split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, values.updateValue(parts[1], forKey: parts[0]) == nil else {
                throw SigstoreError(
                    .malformed, "\(pair.description.safeForTerminal) is no NAME=VALUE, or is given twice")
            }
        }
        func moment(_ name: String) throws(SigstoreError) -> Timestamp? {
            guard let text = values.removeValue(forKey: name) else { return nil }
            guard let moment = Timestamp(text) else {
                throw SigstoreError(.malformed, "\(name) is no moment such as 2026-01-31T00:00:00Z")
            }
            return moment
        }
        url = values.removeValue(forKey: "url") ?? ""
        file = (values.removeValue(forKey: "certificate-chain") ?? values.removeValue(forKey: "public-key")).map {
            FilePath($0)
        }
        (start, end) = (try moment("start-time"), try moment("end-time"))
        `operator` = values.removeValue(forKey: "operator")
        origin = values.removeValue(forKey: "origin")
        if let version = values.removeValue(forKey: "api-version") {
            guard let number = Int(version), 1...9 ~= number else {
                throw SigstoreError(.malformed, "api-version is \(version.safeForTerminal), which is no version")
            }
            majorAPIVersion = number
        }
        if let unknown = values.keys.sorted().first {
            throw SigstoreError(
                .malformed,
                "\(unknown.safeForTerminal) is not known; there are url, certificate-chain, public-key, start-time, end-time, operator, origin and api-version"
            )
        }
        if let start, let end, end < start { throw SigstoreError(.malformed, "end-time is before start-time") }
    }

    /// The authority that this describes. Without a start it is trusted from when its own certificate begins.
    package func authority() throws(SigstoreError) -> TrustedRoot.Authority {
        let chain = try Certificate.list(pem: try bytes("certificate-chain"))
        guard let first = chain.first else {
            throw SigstoreError(.malformed, "\(file?.string ?? "") holds no certificate")
        }
        for (certificate, issuer) in zip(chain, chain.dropFirst()) { try certificate.checkSignature(of: issuer) }
        return TrustedRoot.Authority(
            uri: url, certificates: chain, period: ValidityPeriod(start: start ?? first.notBefore, end: end),
            operator: `operator`)
    }

    /// The log that this describes.
    package func log() throws(SigstoreError) -> TrustedRoot.Log {
        guard let start else {
            throw SigstoreError(
                .malformed, "the log \(url.safeForTerminal) needs a start-time: when its key came into use")
        }
        let key: PublicKey
        do {
            key = try PublicKey(pem: try bytes("public-key"))
        } catch let error as SigstoreError {
            throw error
        } catch {
            throw SigstoreError(.malformed, "\(file?.string ?? ""): \(error)")
        }
        return try TrustedRoot.Log(
            url: url, key: key, origin: origin ?? String(url.trimmingScheme),
            period: ValidityPeriod(start: start, end: end), operator: `operator`)
    }

    /// The service for a signing configuration.
    package func service() throws(SigstoreError) -> SigningConfig.Service {
        guard !url.isEmpty, let start else {
            throw SigstoreError(.malformed, "a service to sign with needs url and start-time")
        }
        return SigningConfig.Service(
            url: url, majorAPIVersion: majorAPIVersion ?? 1, period: ValidityPeriod(start: start, end: end),
            operator: `operator` ?? "")
    }

    private func bytes(_ name: String) throws(SigstoreError) -> [UInt8] {
        guard let file else { throw SigstoreError(.malformed, "\(url.safeForTerminal) needs \(name)=FILE") }
        do {
            return try Files.read(file, limit: TrustDirectory.greatestByteCount)
        } catch {
            throw SigstoreError(.absent, "\(error)")
        }
    }
}

extension String {
    /// An address without `https://` and a slash at its end.
    fileprivate var trimmingScheme: Substring {
        var rest = self[...]
        if let mark = firstRange(of: "://") { rest = self[mark.upperBound...] }
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        return rest
    }
}
