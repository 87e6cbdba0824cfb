internal import Keys
internal import SwiftASN1

/// Reads requests for certificates (PKCS #10, RFC 2986).
enum CertificateRequestReader {
    /// The key that a request is for, which must have signed it.
    static func verifiedKey(in der: [UInt8]) throws -> PublicKey {
        var info: [UInt8] = []
        var signature: [UInt8] = []
        var key: [UInt8] = []
        try DER.sequence(try DER.parse(der), identifier: .sequence) { nodes in
            guard let first = nodes.next(), nodes.next() != nil else {
                throw ASN1Error.invalidASN1Object(reason: "no request")
            }
            info = Array(first.encodedBytes)
            signature = Array(try ASN1BitString(derEncoded: &nodes).bytes)
            try DER.sequence(first, identifier: .sequence) { nodes in
                _ = try Int(derEncoded: &nodes)
                guard nodes.next() != nil, let info = nodes.next() else {
                    throw ASN1Error.invalidASN1Object(reason: "no key")
                }
                key = Array(info.encodedBytes)
                while nodes.next() != nil {}
            }
        }
        let publicKey = try PublicKey(der: key)
        try publicKey.verify(signature, of: .bytes(info))
        return publicKey
    }
}

extension TimestampIssuer.Query {
    func with(nonce: [UInt8]) -> Self {
        Self(algorithm: algorithm, digest: digest, nonce: nonce, wantsCertificate: wantsCertificate)
    }
    func with(digest: [UInt8]) -> Self {
        Self(algorithm: algorithm, digest: digest, nonce: nonce, wantsCertificate: wantsCertificate)
    }

    private init(algorithm: [UInt8], digest: [UInt8], nonce: [UInt8]?, wantsCertificate: Bool) {
        self.algorithm = algorithm
        self.digest = digest
        self.nonce = nonce
        self.wantsCertificate = wantsCertificate
    }
}
