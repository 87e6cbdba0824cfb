package import Bytes

/// A trusted root and perhaps a signing configuration in one file (protobuf-specs, `ClientTrustConfig` 0.1).
package struct ClientTrustConfig: Sendable {
    package var trustedRoot: TrustedRoot
    package var signingConfig: SigningConfig?

    package init(trustedRoot: TrustedRoot, signingConfig: SigningConfig? = nil) {
        self.trustedRoot = trustedRoot
        self.signingConfig = signingConfig
    }

    package static let mediaType = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"

    /// Reads such a file, or trusted roots alone: one, or one a line.
    package init(parsing bytes: [UInt8]) throws(SigstoreError) {
        let json: JSON
        do {
            json = try JSON(parsing: bytes, limits: JSONLimits(byteCount: 8 << 20, depth: 32))
        } catch {
            if let all = try TrustedRoot(lines: bytes) {
                self.init(trustedRoot: all)
                return
            }
            throw SigstoreError(.malformed, "the trust configuration is not JSON: \(error)")
        }
        guard let root = json["trustedRoot"] else {
            self.init(trustedRoot: try TrustedRoot(json))
            return
        }
        guard json["mediaType"]?.stringValue?.hasSameBytes(as: Self.mediaType) == true else {
            throw SigstoreError(.unsupported, "the trust configuration's mediaType is not \(Self.mediaType)")
        }
        self.init(
            trustedRoot: try TrustedRoot(root),
            signingConfig: try json["signingConfig"].map { (config) throws(SigstoreError) in try SigningConfig(config) }
        )
    }

    package var json: JSON {
        var object: JSONObject = ["mediaType": .string(Self.mediaType), "trustedRoot": trustedRoot.json]
        if let signingConfig { object["signingConfig"] = signingConfig.json }
        return .object(object)
    }
}
