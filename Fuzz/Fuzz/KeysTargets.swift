internal import Bytes
internal import Keys

extension FuzzTarget {
    /// Reading unencrypted private keys, PEM and DER: a key that is read is written, reads back, and signs.
    static let privateKey = FuzzTarget(name: "private-key") { input in
        guard let text = try? PrivateKeyText(Secret(input)), !text.isEncrypted, let key = try? text.open() else {
            return
        }
        let again = (try? key.pkcs8).flatMap { try? PrivateKey(pkcs8: $0.bytes) }
        require(again?.publicKey == key.publicKey, "a private key reads back")
        let message = SignedMessage.bytes(input)
        guard let signature = try? key.signature(of: message) else { return require(false, "a private key signs") }
        require((try? key.publicKey.verify(signature, of: message)) != nil, "a signature is valid")
    }

    /// Opening encrypted private keys with the passphrase of the seeds: costs stay within their limits.
    static let encryptedKey = FuzzTarget(name: "encrypted-key") { input in
        guard let text = try? PrivateKeyText(Secret(input)), text.isEncrypted else { return }
        _ = try? text.open(Secret("open sesame"))
    }

    /// Reading public keys, PEM and DER: a key reads back as itself.
    static let publicKey = FuzzTarget(name: "public-key") { input in
        guard let key = ((try? PublicKey(fileContent: input)) ?? nil) ?? (try? PublicKey(der: input)) else { return }
        require((try? PublicKey(pem: Array(key.pem.utf8))) == key, "a public key reads back")
    }

    /// Checking signatures: nothing that a fuzzer makes is one. The first byte chooses the key.
    static let signature = FuzzTarget(name: "signature") { input in
        guard let first = input.first, let keys else { return }
        let key = keys[Int(first) % keys.count]
        let message = SignedMessage.bytes(Array("nobody signed this".utf8))
        for padding in [RSAPadding.pkcs1v15, .pss] {
            require(
                (try? key.verify(Array(input.dropFirst()), of: message, padding: padding)) == nil,
                "a made-up signature is not valid")
        }
    }

    /// A public key of every algorithm, made anew for each run.
    private static let keys = try?
        ([
            .ecdsaP256, .ecdsaP384, .ecdsaP521, .ed25519, .rsa(bits: 2048), .mlDSA65, .mlDSA87,
        ] as [KeyAlgorithm]).map { try PrivateKey.generate($0).publicKey }

    /// Reading what `--key` takes: a PKCS #11 URI reads back as itself.
    static let keyReference = FuzzTarget(name: "key-reference") { input in
        let text = String(decoding: input, as: UTF8.self)
        _ = try? KeyReference(text)
        guard let uri = try? PKCS11URI(text) else { return }
        var plain = uri
        (plain.modulePath, plain.moduleName, plain.pinSource) = (nil, nil, nil)
        require((try? PKCS11URI(uri.text)) == plain, "a PKCS #11 URI reads back")
    }
}
