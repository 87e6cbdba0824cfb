internal import Bytes

/// A primary key with its user ids and subkeys, and what their signatures say (RFC 9580 section 10.1).
struct OpenPGPCertificate: Sendable {
    /// A key that may sign, from when to when.
    struct SigningKey: Sendable {
        var key: OpenPGPKey
        /// The primary key's fingerprint.
        var primary: [UInt8]
        /// Why it may not sign at all; `nil` when it may.
        var flaw: String?
        /// Seconds since 1970; `nil` for never.
        var expires: Int?
    }

    let primary: OpenPGPKey
    /// The primary key and the subkeys, whether or not they may sign.
    let keys: [SigningKey]

    private struct Part {
        var packet: OpenPGPPacket
        var signatures: [OpenPGPSignature] = []
    }

    /// Makes sense of the packets of one certificate, of which the first is the primary key. `nil` when that is of a
    /// version or form that can't be used.
    init?(_ packets: ArraySlice<OpenPGPPacket>) {
        guard let first = packets.first, let primary = try? OpenPGPKey(first.content) else { return nil }
        var parts = [Part(packet: first)]
        for packet in packets.dropFirst() {
            switch packet.kind {
            case .signature:
                // A signature that can't be read can't make anything valid; one that revokes must be readable to count.
                if let signature = try? OpenPGPSignature(packet.content) {
                    parts[parts.count - 1].signatures.append(signature)
                }
            case .ignored: continue
            default: parts.append(Part(packet: packet))
            }
        }
        self.primary = primary
        let facts = Self.primaryFacts(primary, parts)
        var keys = [SigningKey(key: primary, primary: primary.fingerprint, flaw: facts.flaw, expires: facts.expires)]
        if facts.flaw == nil, let flags = facts.flags, flags & 0x02 == 0 { keys[0].flaw = "the key is not for signing" }
        for part in parts where part.packet.kind == .publicSubkey {
            guard let subkey = try? OpenPGPKey(part.packet.content) else { continue }
            keys.append(Self.subkey(subkey, part.signatures, primary: primary, facts: facts))
        }
        self.keys = keys
    }

    private struct PrimaryFacts {
        var flaw: String?
        var expires: Int?
        var flags: UInt8?
    }

    /// What the newest valid signature of the primary key over itself, alone or with a user id, says.
    private static func primaryFacts(_ primary: OpenPGPKey, _ parts: [Part]) -> PrimaryFacts {
        let own = OpenPGPKey.framed(primary.content)
        var newest: OpenPGPSignature?
        var newestDirect: OpenPGPSignature?
        for part in parts {
            switch part.packet.kind {
            case .publicKey:
                for signature in part.signatures {
                    guard primary.refusal(of: signature, over: own) == nil else { continue }
                    if signature.kind == .keyRevocation { return PrimaryFacts(flaw: "the key is revoked") }
                    if signature.kind == .directKey, isNewer(signature, than: newestDirect) { newestDirect = signature }
                }
            case .userID, .userAttribute:
                let message = own + identity(part.packet)
                var best: OpenPGPSignature?
                var revoked = Int.min
                for signature in part.signatures {
                    guard primary.refusal(of: signature, over: message) == nil else { continue }
                    if signature.kind == .certificationRevocation { revoked = max(revoked, signature.created ?? .max) }
                    if signature.kind?.isCertification == true, isNewer(signature, than: best) { best = signature }
                }
                if let best, revoked < best.created ?? 0, isNewer(best, than: newest) { newest = best }
            default: continue
            }
        }
        guard let chosen = newest ?? newestDirect else {
            return PrimaryFacts(flaw: "the key has no valid signature of its own")
        }
        let lifetime = newestDirect?.keyLifetime ?? chosen.keyLifetime
        return PrimaryFacts(
            expires: expiry(primary, lifetime), flags: newestDirect?.keyFlags ?? chosen.keyFlags)
    }

    private static func subkey(
        _ subkey: OpenPGPKey, _ signatures: [OpenPGPSignature], primary: OpenPGPKey, facts: PrimaryFacts
    ) -> SigningKey {
        var out = SigningKey(key: subkey, primary: primary.fingerprint, flaw: facts.flaw, expires: facts.expires)
        let message = OpenPGPKey.framed(primary.content) + OpenPGPKey.framed(subkey.content)
        var newest: OpenPGPSignature?
        for signature in signatures where primary.refusal(of: signature, over: message) == nil {
            if signature.kind == .subkeyRevocation { out.flaw = out.flaw ?? "the subkey is revoked" }
            if signature.kind == .subkeyBinding, isNewer(signature, than: newest) { newest = signature }
        }
        guard let newest else {
            out.flaw = out.flaw ?? "the subkey is not bound to its primary key"
            return out
        }
        // Without the subkey's own word, anyone could claim somebody else's key as a subkey.
        let isBack = newest.embedded.flatMap { try? OpenPGPSignature($0[...]) }.map {
            $0.kind == .primaryKeyBinding && subkey.refusal(of: $0, over: message) == nil
        }
        if (newest.keyFlags ?? 0) & 0x02 == 0 {
            out.flaw = out.flaw ?? "the subkey is not for signing"
        } else if isBack != true {
            out.flaw = out.flaw ?? "the subkey does not confirm that it belongs to its primary key"
        }
        if let own = expiry(subkey, newest.keyLifetime) { out.expires = min(out.expires ?? own, own) }
        if let bound = newest.created, let lifetime = newest.lifetime, lifetime > 0 {
            out.expires = min(out.expires ?? .max, bound + lifetime)
        }
        return out
    }

    private static func expiry(_ key: OpenPGPKey, _ lifetime: Int?) -> Int? {
        guard let lifetime, lifetime > 0 else { return nil }
        return key.created + lifetime
    }

    private static func isNewer(_ signature: OpenPGPSignature, than other: OpenPGPSignature?) -> Bool {
        guard let created = signature.created else { return false }
        return other.map { created >= $0.created ?? 0 } ?? true
    }

    /// What is hashed of a user id or attribute (section 5.2.4).
    private static func identity(_ packet: OpenPGPPacket) -> [UInt8] {
        let count = packet.content.count
        return [
            packet.kind == .userID ? 0xB4 : 0xD1, UInt8(count >> 24 & 255), UInt8(count >> 16 & 255),
            UInt8(count >> 8 & 255), UInt8(count & 255),
        ] + packet.content
    }
}
