package import Attest
package import Bytes

/// The formats of bills of materials that martlet writes.
package enum BillFormat: String, Hashable, Sendable, CaseIterable {
    /// SPDX 2.3 as JSON (ISO/IEC 5962 is its version 2.2.1).
    case spdx
    /// SPDX 3.0.1 as JSON-LD.
    case spdx3
    /// CycloneDX 1.6 as JSON (ECMA-424).
    case cyclonedx
    /// CycloneDX 1.5 as JSON.
    case cyclonedx15 = "cyclonedx-1.5"

    /// The predicate type of attestations with such a document.
    package var predicateType: String {
        switch self {
        case .spdx, .spdx3: "https://spdx.dev/Document"
        case .cyclonedx, .cyclonedx15: "https://cyclonedx.org/bom"
        }
    }

    /// The media type of such a document.
    package var mediaType: String {
        switch self {
        case .spdx: "application/spdx+json"
        case .spdx3: "application/spdx+json;version=3.0.1"
        case .cyclonedx, .cyclonedx15: "application/vnd.cyclonedx+json"
        }
    }

    /// The format of attestations with a predicate type, with a version behind it or not; `nil` for other predicates.
    /// Both versions of SPDX are `.spdx` here; the document itself says which it is.
    package init?(predicateType: String) {
        if predicateType == "https://spdx.dev/Document" || predicateType.hasPrefix("https://spdx.dev/Document/") {
            self = .spdx
        } else if predicateType == "https://cyclonedx.org/bom" || predicateType.hasPrefix("https://cyclonedx.org/bom/")
        {
            self = .cyclonedx
        } else {
            return nil
        }
    }

    /// The format of a document, by its first words; `nil` where it is none.
    package init?(recognizing document: JSON) {
        if document["spdxVersion"] != nil {
            self = .spdx
        } else if document["bomFormat"]?.stringValue == "CycloneDX" {
            self = .cyclonedx
        } else {
            return nil
        }
    }
}

/// What a document says of itself. Nothing else that changes from run to run goes into it.
package struct BillMetadata: Hashable, Sendable {
    /// When it was made: `SOURCE_DATE_EPOCH`, or the first moment of 1970 where nobody gives one.
    package var created: Timestamp
    /// The version of martlet.
    package var version: String

    package init(created: Timestamp, version: String) {
        self.created = created
        self.version = version
    }

    /// Takes the time from `SOURCE_DATE_EPOCH`, in seconds since 1970.
    package init(environment: [String: String], version: String) throws(InventoryError) {
        let text = environment["SOURCE_DATE_EPOCH"] ?? ""
        guard let seconds = Int64(text.isEmpty ? "0" : text), let created = Timestamp(seconds: seconds) else {
            throw InventoryError(.configuration, "SOURCE_DATE_EPOCH is no number of seconds: \(text.safeForTerminal)")
        }
        self.init(created: created, version: version)
    }
}

extension BillOfMaterials {
    /// The document in a format. Equal bills give equal documents.
    package func document(_ format: BillFormat, _ metadata: BillMetadata) -> JSON {
        switch format {
        case .spdx: spdx(metadata)
        case .spdx3: spdx3(metadata)
        case .cyclonedx: cycloneDX(metadata, version: "1.6")
        case .cyclonedx15: cycloneDX(metadata, version: "1.5")
        }
    }

    /// The document as an in-toto statement about the subject; `.absent` where the subject has no digest.
    package func statement(_ format: BillFormat, _ metadata: BillMetadata) throws(InventoryError) -> Statement {
        var digest: [String: String] = [:]
        for checksum in subject.checksums { digest[checksum.algorithm] = checksum.value }
        guard !digest.isEmpty else {
            throw InventoryError(
                .absent, "\(subject.name.safeForTerminal) has no digest; build it first, or name an archive or an image"
            )
        }
        return Statement(
            subjects: [Attest.Subject(name: subject.name, digest: digest)], predicateType: format.predicateType,
            predicate: document(format, metadata))
    }

    /// Reads a document.
    package init(parsing bytes: [UInt8]) throws {
        let json = try JSON.document(bytes, limit: 256 << 20)
        guard let format = BillFormat(recognizing: json) else {
            throw InventoryError(.unsupported, "this is neither SPDX 2 nor CycloneDX as JSON")
        }
        try self.init(parsing: json, format: format)
    }

    /// Reads a document of SPDX 2 or CycloneDX.
    package init(parsing document: JSON, format: BillFormat) throws {
        switch format {
        case .spdx, .spdx3: try self.init(spdx: document)
        case .cyclonedx, .cyclonedx15: try self.init(cycloneDX: document)
        }
    }

    /// A name for this bill that follows from what it says: a UUID of version 5 (RFC 9562, section 5.5).
    func identifier(_ metadata: BillMetadata, _ format: String) -> String {
        var hasher = SHA256Hasher()
        func add(_ text: String) { hasher.update(Array("\(text.utf8.count):\(text)".utf8)) }
        add(format)
        add(metadata.created.description)
        add(metadata.version)
        add(subject.name)
        add(subject.version)
        for checksum in subject.checksums { add(checksum.value) }
        for (component, needs) in zip(components, dependencies) {
            add(component.purl.description)
            add(component.license ?? "")
            for checksum in component.checksums { add(checksum.value) }
            add(needs.map(String.init).joined(separator: ","))
        }
        var sha1 = SHA1Hasher()
        // The name space is a UUID of martlet's own.
        sha1.update([0x6d, 0x61, 0x72, 0x74, 0x6c, 0x65, 0x45, 0x74, 0x80, 0x73, 0x62, 0x6f, 0x6d, 0x00, 0x00, 0x01])
        sha1.update(hasher.finalize().bytes)
        var bytes = Array(sha1.finalize().prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x50
        bytes[8] = bytes[8] & 0x3F | 0x80
        let hex = Array(Hex.encode(bytes))
        let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }
        return parts.joined(separator: "-")
    }
}
