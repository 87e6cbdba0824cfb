internal import Bytes
package import Keys

extension TrustedRoot.Log {
    /// A log with this key, whose checkpoints bear the name `origin`. Keys that no log can have are `.unsupported`.
    package init(
        url: String, key: PublicKey, origin: String, period: ValidityPeriod, operator: String? = nil
    ) throws(SigstoreError) {
        guard let details = KeyDetails(defaultFor: key.algorithm) else {
            throw SigstoreError(.unsupported, "a log can't have a key of \(key.algorithm)")
        }
        self.init(
            baseURL: url, keyBytes: key.der, keyDetails: details, key: key, period: period,
            logID: LogIdentity.id(of: key, name: origin), checkpointKeyID: nil, operator: `operator`)
    }
}

extension TrustedRoot.Authority {
    /// An authority with this chain, its own certificate first. The last one's name is taken for its subject.
    package init(
        uri: String, certificates: [Certificate], period: ValidityPeriod, operator: String? = nil
    ) {
        var subject: [String: String] = [:]
        for (name, value) in certificates.last?.subjectParts ?? [] { subject[name] = value }
        self.init(subject: subject, uri: uri, chain: certificates, period: period, operator: `operator`)
    }
}

/// How logs are named in trusted roots and entries.
package enum LogIdentity {
    /// The id of the log with this key: for Ed25519 the untruncated id of its checkpoint key (rekor-tiles), for all
    /// others the SHA-256 of the key (RFC 6962).
    package static func id(of key: PublicKey, name: String) -> [UInt8] {
        guard let bytes = key.ed25519Bytes else { return key.id.bytes }
        return Digest.of(Array(name.utf8) + [0x0A, 0x01] + bytes).bytes
    }
}
