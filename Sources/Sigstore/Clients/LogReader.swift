internal import Attest
package import Bytes
internal import Keys
package import Ledger
package import Wire

/// Reads a Rekor of version 1, and believes nothing that a trusted key has not signed.
package struct LogReader: Sendable {
    package let url: String
    /// The logs that are believed.
    package let logs: [TrustedRoot.Log]
    package let transport: any HTTPTransport

    /// The most bytes of an answer, with an attestation.
    static let answerLimit = 128 << 20

    package init(url: String, logs: [TrustedRoot.Log], transport: any HTTPTransport) {
        self.url = url
        self.logs = logs
        self.transport = transport
    }

    /// What entries are looked for by.
    package struct Query: Hashable, Sendable {
        /// As `sha256:HEX`, or digits alone.
        package var hash: String?
        package var email: String?
        package var subject: String?
        /// PEM.
        package var publicKey: [UInt8]?
        package var isConjunction = false

        package init() {}

        var json: JSON {
            var object = JSONObject()
            if let hash { object["hash"] = .string(hash) }
            if let email { object["email"] = .string(email) }
            if let subject { object["subject"] = .string(subject) }
            if let publicKey {
                object["publicKey"] = ["format": "x509", "content": .string(Base64.encode(publicKey))]
            }
            object["operator"] = isConjunction ? "and" : "or"
            return .object(object)
        }
    }

    /// Which entry is meant.
    package enum Name: Hashable, Sendable {
        case uuid(EntryUUID)
        case index(UInt64)
    }

    /// An entry that was verified.
    package struct Found: Sendable {
        package let uuid: EntryUUID
        package let entry: LogEntry
        /// The payload that the log keeps; its digest is that in the entry.
        package let attestation: [UInt8]?
        package let tree: VerifiedTree
    }

    /// The names of the entries that the log finds. Nobody vouches that these are all.
    package func search(_ query: Query) async throws(SigstoreError) -> [EntryUUID] {
        let answer = try await ask("api/v1/index/retrieve", post: query.json, asking: "the log to search")
        guard let list = (try? JSON(parsing: answer))?.arrayValue else {
            throw SigstoreError(.refused, "the log's answer is no list of entries")
        }
        var names: [EntryUUID] = []
        for element in list {
            guard let name = element.stringValue.flatMap({ EntryUUID($0) }) else {
                throw SigstoreError(.refused, "the log's answer holds what is no name of an entry")
            }
            names.append(name)
        }
        return names
    }

    /// One entry, verified: the name, the promise, the proof, the checkpoint and the attestation.
    package func entry(_ name: Name) async throws(SigstoreError) -> Found {
        let path =
            switch name {
            case .uuid(let uuid): "api/v1/log/entries/\(uuid)"
            case .index(let index): "api/v1/log/entries?logIndex=\(index)"
            }
        let answer = try await ask(path, asking: "the log for an entry")
        guard let json = try? JSON(parsing: answer), let members = json.objectValue?.members, members.count == 1 else {
            throw SigstoreError(.refused, "the log's answer is not one entry")
        }
        let found = try verified(members[0])
        switch name {
        case .uuid(let wanted):
            guard found.uuid.answers(wanted) else {
                throw SigstoreError(.refused, "the log answered with the entry \(found.uuid), and not with \(wanted)")
            }
        case .index(let index):
            guard found.entry.logIndex == Int64(clamping: index) else {
                throw SigstoreError(.refused, "the log answered with entry \(found.entry.logIndex), and not \(index)")
            }
        }
        return found
    }

    /// The entries at these places, at most ten, in order, verified.
    package func entries(_ indexes: Range<UInt64>) async throws(SigstoreError) -> [Found] {
        let answer = try await ask(
            "api/v1/log/entries/retrieve", post: ["logIndexes": .array(indexes.map { .integer($0) })],
            asking: "the log for entries")
        guard let list = (try? JSON(parsing: answer))?.arrayValue, list.count == indexes.count else {
            throw SigstoreError(
                .refused, "the log did not answer with the \(indexes.count) entries that were asked for")
        }
        var out: [Found] = []
        for (element, index) in zip(list, indexes) {
            guard let members = element.objectValue?.members, members.count == 1 else {
                throw SigstoreError(.refused, "the log's answer holds what is no entry")
            }
            let found = try verified(members[0])
            guard found.entry.logIndex == Int64(clamping: index) else {
                throw SigstoreError(.refused, "the log answered with entry \(found.entry.logIndex), and not \(index)")
            }
            out.append(found)
        }
        return out
    }

    /// The newest tree.
    package func tree() async throws(SigstoreError) -> VerifiedTree {
        let answer = try await ask("api/v1/log", asking: "the log for its checkpoint")
        guard let json = try? JSON(parsing: answer), let text = json["signedTreeHead"]?.stringValue else {
            throw SigstoreError(.refused, "the log's answer has no checkpoint")
        }
        var failure = SigstoreError(.refused, "no log is trusted")
        for log in logs {
            do {
                return try VerifiedTree(text, by: log)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// Checks that the log's tree begins with one that was seen before, which may be the same.
    package func check(_ tree: VerifiedTree, extends old: Checkpoint) async throws(SigstoreError) {
        guard tree.checkpoint.size >= old.size else {
            throw SigstoreError(
                .refused, "the log has \(tree.checkpoint.size) entries, and had \(old.size): it took some back")
        }
        var hashes: [Digest] = []
        if old.size > 0, old.size < tree.checkpoint.size {
            let answer = try await ask(
                "api/v1/log/proof?firstSize=\(old.size)&lastSize=\(tree.checkpoint.size)", asking: "the log for a proof"
            )
            guard let list = (try? JSON(parsing: answer))?["hashes"]?.arrayValue, list.count <= 64 else {
                throw SigstoreError(.refused, "the log's answer is no proof")
            }
            for element in list {
                guard let hash = element.stringValue.flatMap({ Digest(hex: $0) }) else {
                    throw SigstoreError(.refused, "the log's proof holds what is no hash")
                }
                hashes.append(hash)
            }
        }
        try tree.check(extends: old, proof: hashes)
    }

    /// The newest tree, which must begin with that of a saved checkpoint and hold these entries.
    package func grown(since saved: String?, holding names: [Name]) async throws(SigstoreError) -> VerifiedTree {
        let tree = try await tree()
        if let saved {
            let old: Checkpoint
            do {
                old = try Checkpoint(parsing: Note(parsing: saved).text)
            } catch {
                throw SigstoreError(.malformed, "the saved checkpoint can't be read: \(error)")
            }
            try await check(tree, extends: old)
        }
        for name in names {
            // The entry comes with a tree of its own, which may be newer by now.
            let found = try await entry(name)
            if found.tree.checkpoint.size >= tree.checkpoint.size {
                try await check(found.tree, extends: tree.checkpoint)
            } else {
                try await check(tree, extends: found.tree.checkpoint)
            }
        }
        return tree
    }

    private func verified(_ member: JSONObject.Member) throws(SigstoreError) -> Found {
        let entry = try LogClient.entryV1(JSON.object([member.key: member.value]).bytes())
        guard let uuid = EntryUUID(member.key), uuid.leafHash == MerkleTree.leafHash(entry.canonicalizedBody) else {
            throw SigstoreError(.refused, "the log's answer names an entry otherwise than by its content")
        }
        let known = logs.filter { $0.logID == entry.logID }
        guard !known.isEmpty else {
            throw SigstoreError(
                .refused,
                "the entry is of the log \(Hex.encode(entry.logID)), which is not trusted; give its key with --log-key, or a trusted root that has it"
            )
        }
        var tree: Result<VerifiedTree, SigstoreError>?
        for log in known {
            tree = Result { () throws(SigstoreError) in try entry.verify(by: log) }
            if case .success? = tree { break }
        }
        guard let tree else { throw SigstoreError(.refused, "no log is trusted") }
        return Found(
            uuid: uuid, entry: entry, attestation: try attestation(member.value, entry), tree: try tree.get())
    }

    /// The attestation in an answer. Nothing signs it but the digest in the entry.
    private func attestation(_ json: JSON, _ entry: LogEntry) throws(SigstoreError) -> [UInt8]? {
        guard let text = json["attestation"]?["data"]?.stringValue, !text.isEmpty else { return nil }
        guard let bytes = try? Base64.decode(text),
            let body = try? LogEntryBody(parsing: entry.canonicalizedBody, expected: entry.kindVersion),
            let digest = body.payloadDigest, digest.algorithm.digest(of: bytes) == digest
        else {
            throw SigstoreError(.refused, "the attestation in the log's answer is not the one that was logged")
        }
        return bytes
    }

    private func ask(_ path: String, post body: JSON? = nil, asking what: String) async throws(SigstoreError) -> [UInt8]
    {
        do {
            let request = HTTPRequest(
                body == nil ? .get : .post, try HTTPURL(url).appending(path),
                fields: ["Accept": "application/json", "Content-Type": "application/json"],
                body: body.map { .bytes($0.bytes()) }, isRepeatable: true)
            let answer = try await transport.fetch(request, limit: Self.answerLimit)
            if answer.status == 404 { throw SigstoreError(.absent, "the log has no such entry") }
            if answer.status == 501 {
                throw SigstoreError(.unsupported, "the log at \(url.safeForTerminal) has no search")
            }
            return try answer.success()
        } catch let error as SigstoreError {
            throw error
        } catch let error as WireError {
            throw SigstoreError(error, asking: what)
        } catch {
            throw SigstoreError(.unreachable, "\(error)")
        }
    }
}

extension LogEntryBody {
    /// The digest of an envelope's payload; `nil` for entries of another kind.
    package var payloadDigest: MessageDigest? {
        switch content {
        case .artifact: nil
        case .envelope(let payload, _), .payload(let payload, _): payload
        }
    }

    /// What an entry of this body is found by, as far as the body says it: keys, names in certificates, digests.
    package var searchKeys: [String] {
        let (digest, verifiers): (MessageDigest, [Verifier]) =
            switch content {
            case .artifact(let digest, let signature): (digest, [signature.verifier])
            case .envelope(let digest, let signatures): (digest, signatures.map(\.verifier))
            case .payload(let digest, let verifier): (digest, [verifier])
            }
        return [digest.description]
            + verifiers.flatMap { verifier -> [String] in
                switch verifier {
                case .certificate(let der):
                    guard let certificate = try? Certificate(der: der) else { return [] }
                    return [Digest.of(certificate.pem).hex] + certificate.alternativeNames.map { $0.lowercased() }
                case .publicKey(let der): return [Digest.of(PEM(label: "PUBLIC KEY", bytes: der).text).hex]
                }
            }
    }
}
