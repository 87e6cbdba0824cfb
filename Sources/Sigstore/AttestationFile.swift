internal import Attest
internal import Bytes

/// Bundles as files carry them: one, many in a file, or in one of the shapes that came before.
package struct AttestationFile: Sendable {
    /// How the file is written.
    package enum Format: String, Sendable {
        case bundle = "Sigstore bundle"
        case cosign = "cosign bundle"
        case pep740 = "PEP 740 attestation"
        case pep740Provenance = "PEP 740 provenance"
        case list = "list of attestations"
        case envelope = "DSSE envelope"
        case lines = "JSON lines"
    }

    package var format: Format
    package var bundles: [UnverifiedBundle]

    /// The most bundles of one file.
    package static let greatestCount = 100_000

    /// Reads a file of any of the formats.
    package init(parsing bytes: [UInt8]) throws(SigstoreError) {
        guard bytes.count <= 512 << 20 else {
            throw SigstoreError(.limit, "the file has \(bytes.count) bytes; the limit is 512 MiB")
        }
        // Lines first: a document on one line is both.
        let lines = bytes.split(separator: 0x0A).filter { line in line.contains { $0 > 0x20 } }
        if lines.count > 1, lines.allSatisfy({ Self.isObject($0) }) {
            guard lines.count <= Self.greatestCount else {
                throw SigstoreError(.limit, "the file has \(lines.count) lines; the limit is \(Self.greatestCount)")
            }
            self = AttestationFile(format: .lines, bundles: try Self.bundles(lines))
        } else {
            try self.init(Self.json(bytes))
        }
    }

    private init(format: Format, bundles: [UnverifiedBundle]) {
        self.format = format
        self.bundles = bundles
    }

    private static func bundles(_ lines: [ArraySlice<UInt8>]) throws(SigstoreError) -> [UnverifiedBundle] {
        var out: [UnverifiedBundle] = []
        for (index, line) in lines.enumerated() {
            do {
                out += try AttestationFile(json(Array(line))).bundles
            } catch {
                throw SigstoreError(error.code, "line \(index + 1): \(error.message)")
            }
        }
        return out
    }

    /// Whether a line is a whole object, as those of JSON lines are and those of indented JSON are not.
    private static func isObject(_ line: ArraySlice<UInt8>) -> Bool {
        line.first == UInt8(ascii: "{") && line.last(where: { $0 > 0x20 }) == UInt8(ascii: "}")
    }

    private static func json(_ bytes: [UInt8]) throws(SigstoreError) -> JSON {
        do {
            return try JSON(parsing: bytes, limits: JSONLimits(byteCount: 64 << 20, depth: 64))
        } catch {
            throw SigstoreError(.malformed, "the file is not JSON: \(error)")
        }
    }

    private init(_ json: JSON) throws(SigstoreError) {
        if json["mediaType"] != nil {
            format = .bundle
            bundles = [try UnverifiedBundle(json)]
        } else if json["base64Signature"] != nil || json["rekorBundle"] != nil {
            format = .cosign
            bundles = [try UnverifiedBundle(cosign: json)]
        } else if json["verification_material"] != nil {
            format = .pep740
            bundles = [try UnverifiedBundle(pep740: json)]
        } else if let publishers = json["attestation_bundles"]?.arrayValue {
            format = .pep740Provenance
            bundles = []
            for publisher in publishers.prefix(Self.greatestCount) {
                for attestation in (publisher["attestations"]?.arrayValue ?? []).prefix(Self.greatestCount) {
                    bundles.append(try UnverifiedBundle(pep740: attestation))
                }
            }
        } else if let attestations = json["attestations"]?.arrayValue ?? json.arrayValue {
            // npm's registry and GitHub answer so.
            format = .list
            bundles = []
            for attestation in attestations.prefix(Self.greatestCount) {
                bundles.append(try UnverifiedBundle(attestation["bundle"] ?? attestation))
            }
        } else if json["payloadType"] != nil {
            format = .envelope
            bundles = [try UnverifiedBundle(envelope: json)]
        } else {
            throw SigstoreError(
                .unsupported, "the file is no bundle, cosign bundle, PEP 740 attestation or DSSE envelope")
        }
    }
}
