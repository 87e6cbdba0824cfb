package import Bytes
internal import Host
package import Keys
internal import Ledger
package import Sigstore
internal import Synchronization
package import SystemPackage
package import TileLog

/// A log of certificates (RFC 6962, C2SP static-ct-api) on a transparency log.
///
/// What it promises to keep is kept before the promise leaves: there is no time in which entries are merged.
package final class CertificateLog: CertificateRecorder, Sendable {
    package let log: TransparencyLog
    private let signer: any Signer
    /// Where issuers' certificates are, by fingerprint.
    private let issuers: FilePath
    /// Who may have issued what is added.
    private let roots: [Certificate]
    /// Guards the fingerprints that are known to be on the disk; no other lock is taken while it is held.
    private let written = Mutex<Set<Digest>>([])

    package static let greatestChainCount = 8
    package static let greatestByteCount = 256 << 10

    /// Opens the log in `directory`, and makes it where there is none. What is added must lead to one of `roots`.
    package static func open(
        _ directory: FilePath, origin: String, signer: any Signer, roots: [Certificate],
        clock: @escaping @Sendable () -> UInt64 = { UInt64(clamping: Clocks.nowNanoseconds() / 1_000_000) }
    ) async throws -> CertificateLog {
        let issuers = directory.appending("issuers")
        try Files.createDirectories(issuers, mode: 0o700)
        var settings = LogSettings()
        settings.leafHash = { try CertificateLogEntry.leafHash($0) }
        let log = try await TransparencyLog.open(
            directory.appending("log"), origin: origin,
            signers: [NoteSigner.treeHead(name: origin, signer: signer)], settings: settings, clock: clock)
        return CertificateLog(log, signer: signer, issuers: issuers, roots: roots)
    }

    private init(_ log: TransparencyLog, signer: any Signer, issuers: FilePath, roots: [Certificate]) {
        self.log = log
        self.signer = signer
        self.issuers = issuers
        self.roots = roots
    }

    package var key: PublicKey { signer.publicKey }
    package var acceptedRoots: [Certificate] { roots }

    package func close() async { await log.close() }

    // MARK: Adding

    package func promise(
        precertificate: [UInt8], toBeSigned: [UInt8], chain: [Certificate], at now: Timestamp
    ) async throws(AuthorityError) -> [UInt8] {
        let content = CertificatePromise.Content.precertificate(
            issuerKeyHash: Digest.of(chain.first?.keyBytes ?? []), toBeSigned: toBeSigned)
        let promise = try await add(content, precertificate: precertificate, chain: chain)
        do {
            return try await promise.signed(by: signer)
        } catch {
            throw AuthorityError(.unreachable, "the certificate log's key does not sign: \(error)")
        }
    }

    /// The answer to add-chain, or, where the first certificate is to be poisoned, to add-pre-chain (RFC 6962 sections
    /// 4.1 and 4.2).
    package func add(chain ders: [[UInt8]], isPrecertificate: Bool) async throws(AuthorityError) -> JSON {
        let chain = try verified(ders)
        let leaf = chain[0]
        var content = CertificatePromise.Content.certificate(leaf.der)
        let poisonless: [UInt8]?
        do {
            poisonless = try leaf.toBeSignedWithoutPoison()
        } catch {
            throw AuthorityError(.malformed, "\(error)")
        }
        guard (poisonless != nil) == isPrecertificate else {
            throw AuthorityError(
                .malformed,
                isPrecertificate ? "the certificate is not poisoned" : "a poisoned certificate goes to add-pre-chain")
        }
        if let poisonless {
            content = .precertificate(issuerKeyHash: Digest.of(chain[1].keyBytes), toBeSigned: poisonless)
        }
        let promise = try await add(
            content, precertificate: isPrecertificate ? leaf.der : [], chain: Array(chain.dropFirst()))
        do {
            let signed = try await promise.signed(by: signer)
            // The signature is what follows version, log, moment and extensions.
            let signature = Array(signed.dropFirst(1 + 32 + 8 + 2 + promise.extensions.count))
            return [
                "sct_version": 0, "id": .string(Base64.encode(key.id.bytes)),
                "timestamp": .integer(promise.milliseconds),
                "extensions": .string(Base64.encode(promise.extensions)),
                "signature": .string(Base64.encode(signature)),
            ]
        } catch {
            throw AuthorityError(.unreachable, "the certificate log's key does not sign: \(error)")
        }
    }

    /// Reads a chain and checks that it leads to an accepted root, which may be left out.
    private func verified(_ ders: [[UInt8]]) throws(AuthorityError) -> [Certificate] {
        guard 1...Self.greatestChainCount ~= ders.count else {
            throw AuthorityError(.malformed, "a chain has between 1 and \(Self.greatestChainCount) certificates")
        }
        do {
            var chain: [Certificate] = []
            for der in ders { chain.append(try Certificate(der: der)) }
            for (certificate, issuer) in zip(chain, chain.dropFirst()) {
                guard issuer.isAuthority else {
                    throw SigstoreError(.malformed, "\(issuer.subject.safeForTerminal) is no certificate authority")
                }
                try certificate.checkSignature(of: issuer)
            }
            guard let last = chain.last else { throw SigstoreError(.malformed, "an empty chain") }
            if roots.contains(last), chain.count > 1 { return chain }
            for root in roots where (try? last.checkSignature(of: root)) != nil { return chain + [root] }
            throw SigstoreError(.refused, "the chain leads to no root that is accepted here")
        } catch let error as SigstoreError {
            throw AuthorityError(error.code == .refused ? .refused : .malformed, "\(error)")
        } catch {
            throw AuthorityError(.malformed, "\(error)")
        }
    }

    private func add(
        _ content: CertificatePromise.Content, precertificate: [UInt8], chain: [Certificate]
    ) async throws(AuthorityError) -> CertificatePromise {
        try keep(chain)
        let fingerprints = chain.map(\.fingerprint)
        let template = CertificateLogEntry(
            promise: CertificatePromise(index: 0, milliseconds: 0, content: content), precertificate: precertificate,
            chain: fingerprints)
        let entry = NewEntry(identity: template.identity) { position in
            var entry = template
            entry.promise = CertificatePromise(
                index: position.index, milliseconds: position.time, content: content)
            return entry.encoded
        }
        do {
            guard let added = try await log.add([entry], proofs: false).first else {
                throw AuthorityError(.unreachable, "the certificate log did not answer")
            }
            return CertificatePromise(index: added.index, milliseconds: added.time, content: content)
        } catch let error as AuthorityError {
            throw error
        } catch {
            throw AuthorityError(.unreachable, "the certificate log takes nothing now: \(error)")
        }
    }

    /// Writes issuers' certificates before anything refers to them.
    private func keep(_ chain: [Certificate]) throws(AuthorityError) {
        for certificate in chain {
            let fingerprint = certificate.fingerprint
            if written.withLock({ $0.contains(fingerprint) }) { continue }
            do {
                let path = issuers.appending(fingerprint.hex)
                if try !Files.exists(path) { try Files.write(certificate.der, to: path, durable: true) }
            } catch {
                throw AuthorityError(.unreachable, "an issuer's certificate can't be kept: \(error)")
            }
            written.withLock { known in
                if known.count > 10_000 { known.removeAll() }
                known.insert(fingerprint)
            }
        }
    }

    // MARK: Reading

    /// The certificate with this fingerprint, of an issuer of something in the log.
    package func issuer(_ fingerprint: Digest) throws(AuthorityError) -> [UInt8]? {
        do {
            let path = issuers.appending(fingerprint.hex)
            return try Files.exists(path) ? try Files.read(path, limit: Certificate.greatestByteCount) : nil
        } catch {
            throw AuthorityError(.unreachable, "\(error)")
        }
    }

    /// The signed state, as the log has it on its disk.
    package func treeHead() async throws -> CertificateTreeHead {
        let head = log.checkpoint
        return try await CertificateTreeHead(
            size: head.checkpoint.size, milliseconds: head.time, root: head.checkpoint.root, signer: signer)
    }

    /// Entries from `start` to `end`, both included, at most so many as an answer holds (RFC 6962 section 4.6).
    package func entries(from start: UInt64, to end: UInt64) async throws -> [CertificateLogEntry] {
        let size = log.size
        guard start <= end, start < size else {
            throw AuthorityError(.absent, "the log has \(size) entries")
        }
        // Up to the end of a bundle, so that one read gives them all.
        let last = min(end, size - 1, start | 0xFF)
        let bundle = start / 256
        let all = try await log.entries(bundle: bundle, width: Int(last % 256) + 1)
        return try all.dropFirst(Int(start % 256)).map { try CertificateLogEntry(parsing: $0) }
    }

    /// `leaf_input` and `extra_data` of an entry.
    package func json(_ entry: CertificateLogEntry) throws -> JSON {
        let chain = try entry.chain.map { fingerprint in
            guard let der = try issuer(fingerprint) else {
                throw AuthorityError(.damaged, "the issuer \(fingerprint.hex) of an entry is missing")
            }
            return der
        }
        return [
            "leaf_input": .string(Base64.encode(entry.promise.leafInput)),
            "extra_data": .string(Base64.encode(entry.extraData(chain))),
        ]
    }

    /// The entries of a data tile, one behind the other (static-ct-api).
    package func dataTile(_ bundle: UInt64, width: Int) async throws -> [UInt8] {
        try await log.entries(bundle: bundle, width: width).flatMap(\.self)
    }

    /// Where the leaf with this hash is in a tree of `size` leaves; `nil` where there is none.
    ///
    /// Promises say where their entry is, so this is for those who have a hash alone.
    package func index(ofLeafHash hash: Digest, size: UInt64) async throws -> UInt64? {
        guard size <= log.size, let index = try await log.index(ofLeafHash: hash), index < size,
            // The log finds entries by what they were added under, too.
            try await log.entry(at: index).leafHash == hash
        else { return nil }
        return index
    }
}
