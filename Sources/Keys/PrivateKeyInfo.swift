internal import SwiftASN1

/// The outer form of every private key: PrivateKeyInfo (RFC 5208), or OneAsymmetricKey (RFC 5958) where the public key is
/// beside it.
struct PrivateKeyInfo: DERParseable {
    /// What else an algorithm needs to be known.
    enum Parameters: Hashable {
        case none, null
        case curve(ASN1ObjectIdentifier)
    }

    let algorithm: ASN1ObjectIdentifier
    let parameters: Parameters
    /// What the OCTET STRING holds: the algorithm's own form of a private key.
    let key: [UInt8]
    /// The bits of the public key that the file holds beside the private one.
    let publicKey: [UInt8]?

    init(_ algorithm: ASN1ObjectIdentifier, _ parameters: Parameters, key: [UInt8]) {
        self.algorithm = algorithm
        self.parameters = parameters
        self.key = key
        publicKey = nil
    }

    init(derEncoded node: ASN1Node) throws {
        self = try DER.sequence(node, identifier: .sequence) { nodes in
            let version = try Int(derEncoded: &nodes)
            guard version == 0 || version == 1 else {
                throw ASN1Error.invalidASN1Object(reason: "version \(version) of a private key")
            }
            guard let identifier = nodes.next() else {
                throw ASN1Error.invalidASN1Object(reason: "the algorithm is missing")
            }
            let (algorithm, parameters) = try Self.algorithm(identifier)
            let key = try ASN1OctetString(derEncoded: &nodes)
            // Attributes say nothing about the key itself.
            DER.optionalImplicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) { _ in }
            let bits = try DER.optionalImplicitlyTagged(&nodes, tagNumber: 1, tagClass: .contextSpecific) { node in
                try ASN1BitString(
                    derEncoded: node, withIdentifier: .init(tagWithNumber: 1, tagClass: .contextSpecific))
            }
            return Self(
                algorithm: algorithm, parameters: parameters, key: Array(key.bytes),
                publicKey: bits.map { Array($0.bytes) })
        }
    }

    private init(algorithm: ASN1ObjectIdentifier, parameters: Parameters, key: [UInt8], publicKey: [UInt8]?) {
        self.algorithm = algorithm
        self.parameters = parameters
        self.key = key
        self.publicKey = publicKey
    }

    private static func algorithm(_ node: ASN1Node) throws -> (ASN1ObjectIdentifier, Parameters) {
        try DER.sequence(node, identifier: .sequence) { nodes in
            let algorithm = try ASN1ObjectIdentifier(derEncoded: &nodes)
            guard let parameters = nodes.next() else { return (algorithm, .none) }
            if parameters.identifier == .objectIdentifier {
                return (algorithm, .curve(try ASN1ObjectIdentifier(derEncoded: parameters)))
            }
            _ = try ASN1Null(derEncoded: parameters)
            return (algorithm, .null)
        }
    }

    /// The DER of version 0, which every program reads.
    func der() throws -> [UInt8] {
        var coder = DER.Serializer()
        try coder.appendConstructedNode(identifier: .sequence) { coder in
            try coder.serialize(0)
            try coder.appendConstructedNode(identifier: .sequence) { coder in
                try coder.serialize(algorithm)
                switch parameters {
                case .none: break
                case .null: try coder.serialize(ASN1Null())
                case .curve(let curve): try coder.serialize(curve)
                }
            }
            try coder.serialize(ASN1OctetString(contentBytes: key[...]))
        }
        return coder.serializedBytes
    }
}

/// An elliptic-curve private key in its own form (SEC 1 appendix C.4, RFC 5915).
struct ECPrivateKey: DERParseable {
    let scalar: [UInt8]
    let curve: ASN1ObjectIdentifier?
    /// The point in X9.63 form.
    let publicKey: [UInt8]?

    init(scalar: [UInt8], curve: ASN1ObjectIdentifier?, publicKey: [UInt8]?) {
        self.scalar = scalar
        self.curve = curve
        self.publicKey = publicKey
    }

    init(derEncoded node: ASN1Node) throws {
        self = try DER.sequence(node, identifier: .sequence) { nodes in
            let version = try Int(derEncoded: &nodes)
            guard version == 1 else {
                throw ASN1Error.invalidASN1Object(reason: "version \(version) of an EC private key")
            }
            let scalar = try ASN1OctetString(derEncoded: &nodes)
            let curve = try DER.optionalExplicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) { node in
                try ASN1ObjectIdentifier(derEncoded: node)
            }
            let publicKey = try DER.optionalExplicitlyTagged(&nodes, tagNumber: 1, tagClass: .contextSpecific) { node in
                try ASN1BitString(derEncoded: node)
            }
            return Self(
                scalar: Array(scalar.bytes), curve: curve, publicKey: publicKey.map { Array($0.bytes) })
        }
    }

    /// The DER without the curve, which stands outside in PKCS #8.
    func der() throws -> [UInt8] {
        var coder = DER.Serializer()
        try coder.appendConstructedNode(identifier: .sequence) { coder in
            try coder.serialize(1)
            try coder.serialize(ASN1OctetString(contentBytes: scalar[...]))
            if let publicKey {
                try coder.serialize(
                    ASN1BitString(bytes: publicKey[...]), explicitlyTaggedWithTagNumber: 1, tagClass: .contextSpecific)
            }
        }
        return coder.serializedBytes
    }
}

/// An ML-DSA private key in its own form (RFC 9881 section 6): the seed, the expanded key, or both.
struct MLDSAPrivateKey: DERParseable {
    static let seedByteCount = 32

    /// `nil` where only the expanded key is there.
    let seed: [UInt8]?
    let expanded: [UInt8]?

    init(derEncoded node: ASN1Node) throws {
        if node.identifier == .sequence {
            (seed, expanded) = try DER.sequence(node, identifier: .sequence) { nodes in
                let seed = try ASN1OctetString(derEncoded: &nodes)
                return (Array(seed.bytes), Array(try ASN1OctetString(derEncoded: &nodes).bytes))
            }
        } else if node.identifier == .octetString {
            seed = nil
            expanded = Array(try ASN1OctetString(derEncoded: node).bytes)
        } else {
            seed = Array(try ASN1OctetString(derEncoded: node, withIdentifier: Self.seedTag).bytes)
            expanded = nil
        }
    }

    private static let seedTag = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)

    /// The DER of a key that is a seed alone, which is the recommended form.
    static func der(seed: [UInt8]) -> [UInt8] { [0x80, UInt8(seedByteCount)] + seed }
}

/// An RSA private key in its own form (RFC 8017 appendix A.1.2), as far as it has to be looked at: two primes, nothing
/// missing and nothing behind it.
struct RSAPrivateKey: DERParseable {
    init(derEncoded node: ASN1Node) throws {
        try DER.sequence(node, identifier: .sequence) { nodes in
            let version = try Int(derEncoded: &nodes)
            guard version == 0 else {
                throw ASN1Error.invalidASN1Object(reason: "version \(version) of an RSA private key; 0 is supported")
            }
            for _ in 0..<8 { _ = try ArraySlice<UInt8>(derEncoded: &nodes) }
        }
    }
}
