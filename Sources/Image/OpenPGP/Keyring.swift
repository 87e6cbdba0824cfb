package import Bytes

/// The public keys that an archive's signatures are checked with: an OpenPGP keyring, binary or in armor.
package struct Keyring: Sendable {
    /// The SHA-256 of the file.
    package let digest: Digest
    let certificates: [OpenPGPCertificate]

    package static let greatestByteCount = 32 << 20

    package init(parsing bytes: [UInt8]) throws(ImageError) {
        guard bytes.count <= Self.greatestByteCount else {
            throw ImageError(.limit, "the keyring has more than \(Self.greatestByteCount) bytes")
        }
        digest = Digest.of(bytes)
        do {
            var content = bytes
            if bytes.starts(with: "-----BEGIN PGP PUBLIC KEY BLOCK-----".utf8) {
                content = try Self.unarmored(bytes)
            }
            let packets = try OpenPGPPacket.all(in: content[...])
            let starts = packets.indices.filter { packets[$0].kind == .publicKey }
            certificates = zip(starts, starts.dropFirst() + [packets.count]).compactMap {
                OpenPGPCertificate(packets[$0..<$1])
            }
        } catch {
            throw ImageError(
                .malformed,
                "the keyring is not one of OpenPGP: \(error); export the keys with gpg --export and give that file")
        }
        guard !certificates.isEmpty else {
            throw ImageError(.malformed, "the keyring holds no key that can be used; OpenPGP keys of version 4 are")
        }
    }

    private static func unarmored(_ bytes: [UInt8]) throws(ParseError) -> [UInt8] {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        var out: [UInt8] = []
        var index = 0
        while index < lines.count {
            if lines[index].starts(with: "-----BEGIN".utf8) {
                let (block, next) = try ASCIIArmor.decode("PGP PUBLIC KEY BLOCK", lines, from: index)
                out += block
                index = next
            } else {
                index += 1
            }
        }
        return out
    }

    /// Who signed a text, as far as the keyring knows them.
    package struct Signer: Hashable, Sendable {
        /// Of the key or subkey that signed, 40 hexadecimal digits in upper case.
        package var fingerprint: String
        /// Of its primary key.
        package var primaryFingerprint: String
        /// When the signature says it was made, in seconds since 1970.
        package var signedAt: Int
    }

    /// A text that at least one key of the keyring has signed. Only `verify` makes one.
    package struct VerifiedText: Sendable {
        package let text: [UInt8]
        package let signers: [Signer]

        fileprivate init(text: [UInt8], signers: [Signer]) {
            self.text = text
            self.signers = signers
        }
    }

    /// Checks every signature of `message` as of `time`, in seconds since 1970.
    ///
    /// One valid signature is enough, since archives sign with old and new keys; but a signature by a key of the keyring
    /// that does not match is a forgery or damage, and refuses the text whatever the others say.
    package func verify(_ message: ClearsignedText, at time: Int) throws(ImageError) -> VerifiedText {
        var signers: [Signer] = []
        var reasons: [String] = []
        for signature in message.signatures {
            let candidates = certificates.flatMap(\.keys).filter { $0.matches(signature) }
            guard !candidates.isEmpty else {
                let name = signature.issuerFingerprint ?? signature.issuerKeyID ?? []
                reasons.append("the key \(Hex.encode(name).uppercased()) is not in the keyring")
                continue
            }
            var refusals: [String] = []
            var isForged = true
            for candidate in candidates {
                if let refusal = candidate.key.refusal(of: signature, over: message.signedBytes) {
                    refusals.append("\(candidate.name): \(refusal)")
                    isForged = isForged && refusal == "it does not match what is signed"
                } else if let flaw = candidate.flaw(of: signature, at: time) {
                    refusals.append("\(candidate.name): \(flaw)")
                    isForged = false
                } else {
                    refusals = []
                    isForged = false
                    signers.append(
                        Signer(
                            fingerprint: candidate.name, primaryFingerprint: Hex.encode(candidate.primary).uppercased(),
                            signedAt: signature.created ?? 0))
                    break
                }
            }
            if isForged {
                throw ImageError(
                    .untrusted, "the signature is wrong: \(refusals.joined(separator: ", ")); fetch it again")
            }
            reasons += refusals
        }
        guard !signers.isEmpty else {
            throw ImageError(
                .untrusted,
                "no signature is valid: \(reasons.joined(separator: ", ")); give the keyring that the archive's keys are in"
            )
        }
        return VerifiedText(text: message.text, signers: signers)
    }
}

extension OpenPGPCertificate.SigningKey {
    /// The fingerprint in the usual form.
    var name: String { Hex.encode(key.fingerprint).uppercased() }

    /// Whether the signature says that it is by this key.
    func matches(_ signature: OpenPGPSignature) -> Bool {
        if let fingerprint = signature.issuerFingerprint { return fingerprint == key.fingerprint }
        return signature.issuerKeyID == key.keyID
    }

    /// Why a signature that matches is worth nothing; `nil` when it counts.
    func flaw(of signature: OpenPGPSignature, at time: Int) -> String? {
        if let flaw { return flaw }
        guard signature.kind == .text else { return "it is not made for a text" }
        guard let created = signature.created else { return "it does not say when it was made" }
        // A day for clocks that differ.
        guard created <= time + 86400 else { return "it was made in the future" }
        guard created >= key.created else { return "it is older than the key" }
        if let lifetime = signature.lifetime, lifetime > 0, created + lifetime <= time { return "it has expired" }
        if let expires, expires <= time { return "the key has expired" }
        return nil
    }
}
