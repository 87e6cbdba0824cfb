package import Bytes
internal import Host
package import Keys
internal import Synchronization
package import SystemPackage

/// The keys that an identity issuer signs tokens with, one after the other, in a directory of their own.
///
/// A file's name is the moment from which its key is there, `1763730000.key`. A new key is shown to others for a while
/// before it signs, and an old one for as long as a token of it may live.
package final class TokenKeys: Sendable {
    struct Entry: Sendable {
        let since: Int64
        let key: PrivateKey

        var keyID: String { String(key.publicKey.id.hex.prefix(16)) }
    }

    private let directory: FilePath
    private let passphrase: Secret?
    /// Guards the keys, newest last; no other lock is taken while it is held.
    private let entries: Mutex<[Entry]>

    /// How long a key signs before there is a new one, in seconds.
    package static let period: Int64 = 30 * 86400
    /// How long a new key is shown before it signs.
    package static let notice: Int64 = 1800
    /// How long an old key is shown after there is a new one.
    package static let keeping: Int64 = 86400

    /// Opens the directory, and makes it with a first key where there is none.
    package init(_ directory: FilePath, passphrase: Secret?, at now: Timestamp) throws(AuthorityError) {
        self.directory = directory
        self.passphrase = passphrase
        entries = Mutex([])
        var found: [Entry] = []
        do {
            try Files.createDirectories(directory, mode: 0o700)
            for name in try Files.list(directory) where name.hasSuffix(".key") {
                guard let since = Int64(name.dropLast(4)) else { continue }
                let bytes = try Files.read(directory.appending(name), limit: PrivateKeyText.greatestByteCount)
                let text = try PrivateKeyText(Secret(bytes))
                found.append(
                    Entry(since: since, key: try text.isEncrypted ? text.open(passphrase ?? Secret("")) : text.open()))
            }
        } catch {
            throw AuthorityError(.damaged, "the identity issuer's keys can't be read: \(error)")
        }
        entries.withLock { [found] in $0 = found.sorted { $0.since < $1.since } }
        if found.isEmpty { try add(at: now) }
    }

    /// Makes a new key when the newest has served its time, and forgets those that nobody needs.
    package func renew(at now: Timestamp) throws(AuthorityError) {
        let (newest, old) = entries.withLock { entries -> (Entry?, [Entry]) in
            let newest = entries.last
            let limit = (newest?.since ?? 0) + Self.notice + Self.keeping
            let old = now.seconds > limit ? Array(entries.dropLast()) : []
            if !old.isEmpty { entries.removeFirst(old.count) }
            return (newest, old)
        }
        for entry in old { try? Files.remove(directory.appending("\(entry.since).key")) }
        if let newest, now.seconds - newest.since < Self.period { return }
        try add(at: now)
    }

    /// Makes a new key now, as one does when somebody else may have the old.
    package func add(at now: Timestamp) throws(AuthorityError) {
        do {
            let key = try PrivateKey.generate(.ecdsaP256)
            let text = try PrivateKeyText.text(
                of: key, in: passphrase == nil ? .pkcs8 : .encryptedPKCS8, passphrase: passphrase)
            try KeyFiles.write(text, to: directory.appending("\(now.seconds).key"))
            entries.withLock { $0.append(Entry(since: now.seconds, key: key)) }
        } catch {
            throw AuthorityError(.damaged, "the identity issuer's new key can't be written: \(error)")
        }
    }

    /// The key that signs now: the newest that others have had the time to see.
    func current(at now: Timestamp) throws(AuthorityError) -> Entry {
        let found = entries.withLock { entries in
            entries.last { now.seconds - $0.since >= Self.notice } ?? entries.first
        }
        guard let found else { throw AuthorityError(.damaged, "the identity issuer has no key") }
        return found
    }

    /// The keys that tokens may be signed with.
    package var published: WebKeySet {
        WebKeySet(
            entries.withLock { entries in
                entries.map { WebKeySet.Entry(keyID: $0.keyID, algorithm: "ES256", key: $0.key.publicKey) }
            })
    }

    /// Signs `claims` as a token.
    func token(_ claims: JSONObject, at now: Timestamp) throws(AuthorityError) -> String {
        let entry = try current(at: now)
        let header: JSON = ["alg": "ES256", "kid": .string(entry.keyID), "typ": "JWT"]
        func part(_ bytes: [UInt8]) -> String { Base64.encode(bytes, alphabet: .urlSafe, padded: false) }
        let signed = part(header.bytes()) + "." + part(JSON.object(claims).bytes())
        do {
            let signature = try entry.key.signature(of: .bytes(Array(signed.utf8)))
            return signed + "." + part(try entry.key.algorithm.rawSignature(signature))
        } catch {
            throw AuthorityError(.damaged, "the token can't be signed: \(error)")
        }
    }
}
