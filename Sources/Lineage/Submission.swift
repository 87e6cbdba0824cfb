internal import Attest
internal import Bytes
package import Host
internal import Inventory

/// One document that somebody hands in: its bytes as they were received, and whether anybody vouches for them.
package struct Submission: Sendable {
    /// What a verifier found in a bundle or an envelope.
    package struct Verdict: Sendable {
        /// The statement, as the verifier gave it: nothing else of the document is read.
        package var payload: [UInt8]
        /// Who signed.
        package var identities: [String]

        package init(payload: [UInt8], identities: [String]) {
            self.payload = payload
            self.identities = identities
        }
    }

    /// Checks one document with signatures; throws when it is not what it should be.
    package typealias Verification = @Sendable (_ document: [UInt8]) throws -> Verdict

    /// The bytes as they were received: a Sigstore bundle, an envelope, a statement or a bill of materials, as JSON.
    package var document: [UInt8]
    package var standing: Standing
    package var identities: [String]
    /// The file that it came from.
    package var source: String

    package init(document: [UInt8], standing: Standing = .unverified, identities: [String] = [], source: String) {
        self.document = document
        self.standing = standing
        self.identities = identities
        self.source = source
    }

    /// A document that has been read.
    struct Read: Sendable {
        var submission: Submission
        /// The digest of the statement's bytes, which are the same in every envelope.
        var digest: Digest
        var facts: StatementFacts
    }

    /// Verifies the document where that is asked for, and reads what it says.
    func read(_ verification: Verification?) throws -> Read {
        var submission = self
        if let verification {
            let verdict = try verification(document)
            submission.standing = .verified
            submission.identities = verdict.identities
            return try submission.read(payload: verdict.payload)
        }
        return try submission.read()
    }

    /// Reads what the document says, without checking anything.
    func read() throws -> Read {
        let json: JSON
        do {
            json = try JSON(parsing: document, limits: JSONLimits(byteCount: Self.byteLimit, depth: 256))
        } catch {
            throw LineageError(.malformed, "not JSON: \(error)")
        }
        if json["_type"] != nil { return try read(payload: document) }
        if let format = BillFormat(recognizing: json) {
            let facts = try StatementFacts(document: BillOfMaterials(parsing: json, format: format), format: format)
            return Read(submission: self, digest: Digest.of(document), facts: facts)
        }
        let envelope = json["dsseEnvelope"] ?? json
        guard envelope["payload"] != nil else {
            throw LineageError(
                .malformed,
                "neither a bundle, an envelope, a statement nor a bill of materials; see `martlet lineage import --help`"
            )
        }
        return try read(payload: Envelope(envelope, at: "envelope").payload)
    }

    private func read(payload: [UInt8]) throws -> Read {
        var facts = try StatementFacts(Statement(parsing: payload))
        // Only a verifier's word makes an identity.
        if standing == .verified { for identity in identities { try facts.sign(by: identity) } }
        return Read(submission: self, digest: Digest.of(payload), facts: facts)
    }

    /// The largest document, in bytes.
    package static let byteLimit = 256 << 20

    // MARK: - Files

    /// Gives each document of a stream to `body`: that of one JSON text over several lines, or of one on each line.
    package static func forEach(
        in reader: ByteReader, source: String, _ body: (_ line: Int, _ document: [UInt8]) async throws -> Void
    ) async throws {
        var rest: [UInt8] = []
        var line = 0
        var isLines: Bool?
        while true {
            let part = try reader.next(limit: 1 << 20)
            if let part { rest += part }
            if isLines == nil, let end = rest.firstIndex(of: 0x0A) {
                isLines = (try? JSON(parsing: Array(rest[..<end]))) != nil
            }
            if isLines == true {
                var start = rest.startIndex
                while let end = rest[start...].firstIndex(of: 0x0A) {
                    line += 1
                    if rest[start..<end].contains(where: { $0 > 0x20 }) {
                        try await body(line, Array(rest[start..<end]))
                    }
                    start = end + 1
                }
                rest.removeSubrange(..<start)
            }
            guard rest.count <= byteLimit else {
                throw LineageError(.limit, "\(source): a document has more than \(byteLimit) bytes")
            }
            if part == nil { break }
        }
        if rest.contains(where: { $0 > 0x20 }) { try await body(line + 1, rest) }
    }
}
