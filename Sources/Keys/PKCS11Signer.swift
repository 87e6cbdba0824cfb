internal import Bytes
internal import SystemPackage

/// Signs with a key that a hardware token keeps.
///
/// What the token returns is checked against its public key before anybody gets it.
package final class PKCS11Signer: Signer {
    package let publicKey: PublicKey
    package let padding: RSAPadding
    private let lane: PKCS11Lane
    private let session: PKCS11Session
    private let key: UInt
    /// The PIN again, for keys that want it before each signature.
    private let signaturePIN: Secret?

    /// How long a token may take for one step, touching its button included.
    package static let defaultTimeLimit = Duration.seconds(60)

    /// Finds the module, the token and the private key that `uri` names, and logs in.
    ///
    /// - Parameters:
    ///   - module: the module's file where the URI does not name one.
    ///   - pin: `nil` where the token asks for it itself, or needs none.
    package init(
        _ uri: PKCS11URI, module: String?, pin: Secret?, padding: RSAPadding = .pkcs1v15,
        timeLimit: Duration = defaultTimeLimit
    ) async throws(KeyError) {
        let lane = PKCS11Lane(timeLimit: timeLimit)
        let found = try await lane.run { () throws(KeyError) in
            let session = try PKCS11Session(uri, module: module, pin: pin, writes: false)
            return (session, try session.privateKey(uri))
        }
        self.lane = lane
        session = found.0
        key = found.1.object
        publicKey = found.1.publicKey
        signaturePIN = found.1.wantsPIN ? pin : nil
        self.padding = padding
    }

    /// Makes a key pair in the token that `uri` names, with the URI's label and id, and opens it.
    package static func generate(
        _ algorithm: KeyAlgorithm, at uri: PKCS11URI, module: String?, pin: Secret?,
        timeLimit: Duration = defaultTimeLimit
    ) async throws(KeyError) -> PKCS11Signer {
        guard let label = uri.object else {
            throw KeyError(.malformed, "the PKCS #11 URI must say what the key is to be called; add object=NAME")
        }
        var uri = uri
        let id = uri.id ?? Random.bytes(16)
        let lane = PKCS11Lane(timeLimit: timeLimit)
        let place = uri
        try await lane.run { () throws(KeyError) in
            let session = try PKCS11Session(place, module: module, pin: pin, writes: true)
            try session.generate(algorithm, label: Array(label.utf8), id: id)
        }
        uri.id = id
        return try await PKCS11Signer(uri, module: module, pin: pin, timeLimit: timeLimit)
    }

    package func sign(_ message: SignedMessage) async throws(KeyError) -> [UInt8] {
        let (mechanism, pss, data) = try request(message)
        let (session, key, pin) = (session, key, signaturePIN)
        let raw = try await lane.run { () throws(KeyError) in
            try session.module.sign(session.handle, key, mechanism: mechanism, pss: pss, pin: pin, data)
        }
        let signature = mechanism == .ecdsa ? try publicKey.algorithm.derSignature(raw) : raw
        do {
            try publicKey.verify(signature, of: message, padding: padding)
        } catch {
            throw KeyError(.refused, "the token's signature is not valid for its own public key; do not use this token")
        }
        return signature
    }

    /// What the token is asked to do with which bytes.
    private func request(
        _ message: SignedMessage
    ) throws(KeyError) -> (PKCS11Module.Mechanism, PKCS11Module.HashCode?, [UInt8]) {
        switch publicKey.algorithm {
        case .ecdsaP256, .ecdsaP384, .ecdsaP521:
            let digest = try message.digest(by: publicKey.algorithm.defaultHash ?? .sha256)
            return (.ecdsa, nil, digest.bytes)
        case .rsa:
            let digest = try message.digest(by: .sha256)
            if padding == .pss { return (.rsaPSS, .sha256, digest.bytes) }
            return (.rsaPKCS1, nil, digest.digestInfo)
        case .ed25519: return (.eddsa, nil, try message.wholeBytes(for: publicKey.algorithm))
        case .mlDSA65, .mlDSA87:
            throw KeyError(.unsupported, "PKCS #11 2.40 has no \(publicKey.algorithm)")
        }
    }
}

/// A session with a token. Its calls block, and only a `PKCS11Lane` makes them.
final class PKCS11Session: Sendable {
    let module: PKCS11Module
    let handle: UInt

    init(_ uri: PKCS11URI, module path: String?, pin: Secret?, writes: Bool) throws(KeyError) {
        module = try PKCS11Module(try uri.moduleFile(otherwise: path))
        let tokens = try module.tokens()
        let fitting = tokens.filter { token in
            func fits(_ wanted: String?, _ got: String) -> Bool { wanted == nil || wanted == got }
            return fits(uri.token, token.label) && fits(uri.manufacturer, token.manufacturer)
                && fits(uri.model, token.model) && fits(uri.serial, token.serial)
                && (uri.slotID == nil || uri.slotID == token.slot)
        }
        guard let token = fitting.first else {
            let names = tokens.filter { !$0.label.isEmpty }.map { $0.label.debugDescription }
            throw KeyError(
                .absent,
                "no token fits \(uri.text); "
                    + (names.isEmpty ? "the module sees no token" : "there are \(names.joined(separator: ", "))"))
        }
        guard fitting.count == 1 else {
            throw KeyError(.ambiguous, "\(fitting.count) tokens fit \(uri.text); add token=, serial= or slot-id=")
        }
        handle = try module.openSession(token.slot, writes: writes)
        if let pin {
            do {
                try module.login(handle, pin: pin)
            } catch {
                module.closeSession(handle)
                throw error
            }
        }
    }

    deinit { module.closeSession(handle) }

    /// A private key and what is known about it.
    struct Key: Sendable {
        let object: UInt
        let publicKey: PublicKey
        let wantsPIN: Bool
    }

    /// The one private key that `uri` names.
    func privateKey(_ uri: PKCS11URI) throws(KeyError) -> Key {
        let label = uri.object.map { Array($0.utf8) }
        let keys = try module.find(handle, .privateKey, label: label, id: uri.id)
        guard let key = keys.first else {
            throw KeyError(
                .absent,
                "the token has no private key \(uri.text); a private key is seen only after logging in with its PIN")
        }
        guard keys.count == 1 else {
            throw KeyError(.ambiguous, "several private keys of the token fit \(uri.text); add id= or object=")
        }
        // The public key's object has the same id; some tokens tell its numbers by the private one.
        let id = try module.attribute(handle, key, .id) ?? uri.id
        var candidates = [key]
        if let id, !id.isEmpty { candidates = try module.find(handle, .publicKey, label: nil, id: id) + candidates }
        let always = try module.attribute(handle, key, .alwaysAuthenticate)
        for candidate in candidates {
            guard let publicKey = try publicKey(candidate) else { continue }
            return Key(object: key, publicKey: publicKey, wantsPIN: always?.first == 1)
        }
        throw KeyError(
            .absent, "the token has the private key \(uri.text) and not its public key; import that with the same id")
    }

    /// The public key whose numbers `object` tells.
    private func publicKey(_ object: UInt) throws(KeyError) -> PublicKey? {
        if let modulus = try module.attribute(handle, object, .modulus),
            let exponent = try module.attribute(handle, object, .publicExponent)
        {
            return try PublicKey(der: SubjectPublicKeyInfo.rsa(modulus: modulus, exponent: exponent))
        }
        guard let parameters = try module.attribute(handle, object, .ecParameters),
            let point = try module.attribute(handle, object, .ecPoint)
        else { return nil }
        return try PublicKey(der: SubjectPublicKeyInfo.elliptic(parameters: parameters, point: point))
    }

    func generate(_ algorithm: KeyAlgorithm, label: [UInt8], id: [UInt8]) throws(KeyError) {
        guard try module.find(handle, .privateKey, label: nil, id: id).isEmpty else {
            throw KeyError(.refused, "the token has a key with this id already; give another")
        }
        func make(_ mechanism: PKCS11Module.Mechanism, _ parameters: [UInt8]?, bits: Int = 0) throws(KeyError) {
            try module.generate(
                handle, mechanism: mechanism, parameters: parameters, bits: bits, label: label, id: id)
        }
        switch algorithm {
        case .ecdsaP256: try make(.ecKeyPairGeneration, SubjectPublicKeyInfo.p256Parameters)
        case .ecdsaP384: try make(.ecKeyPairGeneration, SubjectPublicKeyInfo.p384Parameters)
        case .ecdsaP521: try make(.ecKeyPairGeneration, SubjectPublicKeyInfo.p521Parameters)
        case .ed25519: try make(.edwardsKeyPairGeneration, SubjectPublicKeyInfo.edwardsName)
        case .rsa(let bits):
            guard [2048, 3072, 4096].contains(bits) else {
                throw KeyError(.unsupported, "RSA keys are made with 2048, 3072 or 4096 bits, not \(bits)")
            }
            try make(.rsaKeyPairGeneration, nil, bits: bits)
        case .mlDSA65, .mlDSA87: throw KeyError(.unsupported, "PKCS #11 2.40 has no \(algorithm)")
        }
    }
}
