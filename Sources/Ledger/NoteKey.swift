internal import Bytes
package import Keys

/// A key that signs notes, under a name and a key id that its signature lines carry.
package struct NoteKey: Hashable, Sendable {
    /// What the signature covers, by the type byte of C2SP signed-note.
    package enum Kind: Hashable, Sendable {
        /// The text itself: every log's own signature.
        case text
        /// The text with a time before it, by a witness (C2SP tlog-cosignature, type 0x04).
        case cosignature
        /// The size and root that the text says, with a time, by a certificate log (static-ct-api, type 0x05).
        case treeHead
    }

    /// The name on the signature line; for a log, the origin of its checkpoints. `nil` where any will do, because the
    /// key id alone decides.
    package let name: String?
    package let keyID: [UInt8]
    package let key: PublicKey
    package let kind: Kind

    package init(name: String?, keyID: [UInt8], key: PublicKey, kind: Kind = .text) {
        self.name = name
        self.keyID = keyID
        self.key = key
        self.kind = kind
    }

    /// The key of a log, whose id follows from algorithm, name and key.
    ///
    /// Ed25519 as signed-note has it; ECDSA as Rekor v1 does, which leaves the name out; RSA by the type 0xFF.
    package static func log(name: String, key: PublicKey) -> NoteKey {
        NoteKey(name: name, keyID: keyID(name: name, key: key), key: key)
    }

    /// The key of a witness.
    package static func witness(name: String, ed25519 key: PublicKey) -> NoteKey {
        let id = Digest.of(Array(name.utf8) + [0x0A, 0x04] + (key.ed25519Bytes ?? []))
        return NoteKey(name: name, keyID: Array(id.bytes[..<4]), key: key, kind: .cosignature)
    }

    /// The key of a certificate log, whose id follows from the hash of the key (static-ct-api).
    package static func treeHead(name: String, key: PublicKey) -> NoteKey {
        let id = Digest.of(Array(name.utf8) + [0x0A, 0x05] + key.id.bytes)
        return NoteKey(name: name, keyID: Array(id.bytes[..<4]), key: key, kind: .treeHead)
    }

    /// The first four bytes of the hash that names a log's key.
    package static func keyID(name: String, key: PublicKey) -> [UInt8] {
        let hashed: [UInt8] =
            switch key.algorithm {
            case .ed25519: Array(name.utf8) + [0x0A, 0x01] + (key.ed25519Bytes ?? [])
            case .rsa: Array(name.utf8) + [0x0A, 0xFF] + Array("PKIX-RSA-PKCS#1v1.5".utf8) + key.der
            default: key.der
            }
        return Array(Digest.of(hashed).bytes[..<4])
    }

    /// Reads a verifier key, `NAME+HASH+BASE64` (C2SP signed-note): Ed25519 of type 0x01 or 0x04, ECDSA of type 0x02.
    package init(verifierKey text: String) throws(LedgerError) {
        let parts = text.utf8.split(separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard parts.count == 3, let id = Hex.decode(parts[1]), id.count == 4, !parts[0].isEmpty,
            !parts[0].utf8.contains(0x20), let encoded = try? Base64.decode(parts[2]), let type = encoded.first
        else { throw LedgerError(.malformed, "a verifier key is NAME+HASH+BASE64, not \(text.safeForTerminal)") }
        let material = Array(encoded.dropFirst())
        do {
            switch type {
            case 1: self = .log(name: parts[0], key: try PublicKey(ed25519: material))
            case 2: self = .log(name: parts[0], key: try PublicKey(der: material))
            case 4: self = .witness(name: parts[0], ed25519: try PublicKey(ed25519: material))
            default:
                throw LedgerError(
                    .malformed,
                    "the verifier key of \(parts[0].safeForTerminal) is of type \(type); known are Ed25519 (1), ECDSA (2) and the cosignature (4)"
                )
            }
        } catch let error as LedgerError {
            throw error
        } catch {
            throw LedgerError(.malformed, "the verifier key of \(parts[0].safeForTerminal): \(error)")
        }
        guard type != 2 || key.ed25519Bytes == nil else {
            throw LedgerError(.malformed, "the verifier key of \(parts[0].safeForTerminal) is not of its own type")
        }
        guard keyID == id else {
            throw LedgerError(.malformed, "the hash in the verifier key of \(parts[0].safeForTerminal) is not its own")
        }
    }

    /// Whether a line has this key's name and id, whatever its signature is worth.
    package func signs(_ line: Note.Signature) -> Bool {
        line.keyID == keyID && (name.map { line.name.hasSameBytes(as: $0) } ?? true)
    }

    /// The key for people to read.
    var title: String { "\(name?.safeForTerminal ?? "the log") (key id \(Hex.encode(keyID)))" }

    /// The key as `NAME+HASH+BASE64`; `nil` where it has no name or is not Ed25519.
    package var verifierKey: String? {
        guard let name, kind != .treeHead, let bytes = key.ed25519Bytes else { return nil }
        return "\(name)+\(Hex.encode(keyID))+\(Base64.encode([kind == .text ? 1 : 4] + bytes))"
    }
}

extension Note {
    /// A witness's signature that was checked, with the time that it is for.
    package struct Cosignature: Hashable, Sendable {
        package let name: String
        /// Seconds since 1970.
        package let time: UInt64
    }

    /// Checks that one of the lines is by `key`. Lines of others are passed over, wherever they stand; among those
    /// with the key's name and id, one that is right is enough.
    package func verify(_ key: NoteKey) throws(LedgerError) {
        _ = try verifiedLine(key)
    }

    /// Checks a witness's line and gives the time in it.
    package func verifyCosignature(_ key: NoteKey) throws(LedgerError) -> Cosignature {
        let line = try verifiedLine(key)
        return Cosignature(name: line.name, time: Self.time(of: line.signature) ?? 0)
    }

    /// This note with those lines alone that are by `keys`.
    ///
    /// A line by one of the keys that is wrong rejects the note, as signed-note has it, and so does the absence of all.
    package func verified(by keys: [NoteKey]) throws(LedgerError) -> Note {
        var lines: [Signature] = []
        for line in signatures where !lines.contains(line) {
            for key in keys where key.signs(line) {
                do {
                    try check(line, key)
                } catch {
                    throw LedgerError(.invalidSignature, "the signature of \(key.title) is wrong: \(error)")
                }
                lines.append(line)
                break
            }
        }
        guard !lines.isEmpty else {
            throw LedgerError(
                .noSignature, "the note is not signed by any of \(keys.map(\.title).joined(separator: ", "))")
        }
        return Note(text: text, signatures: lines)
    }

    /// Checks one line that has the name and the id of `key`.
    private func check(_ line: Signature, _ key: NoteKey) throws(KeyError) {
        switch key.kind {
        case .text: try key.key.verify(line.signature, of: .bytes(Array(text.utf8)))
        case .cosignature:
            guard let time = Self.time(of: line.signature) else {
                throw KeyError(.malformed, "a cosignature has 8 bytes of time and 64 of signature")
            }
            try key.key.verify(Array(line.signature.dropFirst(8)), of: .bytes(Self.cosigned(text, time: time)))
        case .treeHead:
            guard let head = TreeHeadSignature.parse(line.signature, by: key.key.algorithm),
                let checkpoint = try? Checkpoint(parsing: text)
            else { throw KeyError(.malformed, "it is no signature of a tree head") }
            try key.key.verify(
                head.signature, of: .bytes(TreeHeadSignature.message(checkpoint, milliseconds: head.milliseconds)))
        }
    }

    private func verifiedLine(_ key: NoteKey) throws(LedgerError) -> Signature {
        var failure: KeyError?
        for line in signatures where key.signs(line) {
            do throws(KeyError) {
                try check(line, key)
                return line
            } catch {
                failure = error
            }
        }
        let whose = key.title
        if let failure { throw LedgerError(.invalidSignature, "the signature of \(whose) is wrong: \(failure)") }
        let names = signatures.map { "\($0.name.safeForTerminal) \(Hex.encode($0.keyID))" }.joined(separator: ", ")
        throw LedgerError(.noSignature, "the note is not signed by \(whose); it has signatures of \(names)")
    }

    /// What a witness signs (C2SP tlog-cosignature, Ed25519).
    package static func cosigned(_ text: String, time: UInt64) -> [UInt8] {
        Array("cosignature/v1\ntime \(time)\n\(text)".utf8)
    }

    static func time(of signature: [UInt8]) -> UInt64? {
        guard signature.count == 72 else { return nil }
        return signature[..<8].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
