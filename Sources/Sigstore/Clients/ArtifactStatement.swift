internal import Attest
package import Bytes
internal import Keys
package import SystemPackage

/// A statement about files, as it is signed.
package struct ArtifactStatement: Sendable {
    private let payload: [UInt8]

    /// The payload type of statements.
    package static let payloadType = Statement.payloadType

    /// States `predicate`, a JSON text, of the files by their digests. Names are the files' own, without folders.
    package init(artifacts: [FilePath], predicateType: String, predicate: [UInt8]) throws {
        let json = try Self.predicate(parsing: predicate)
        var subjects: [Subject] = []
        for path in artifacts {
            guard let digest = try FileArtifact(path).digest(.sha256) else { continue }
            subjects.append(Subject(name: path.lastComponent?.string ?? path.string, digest: ["sha256": digest.hex]))
        }
        payload = Statement(subjects: subjects, predicateType: predicateType, predicate: json).payload
    }

    /// Reads what is to be stated: a JSON object.
    package static func predicate(parsing bytes: [UInt8]) throws -> JSON {
        let json: JSON
        do {
            json = try JSON(parsing: bytes)
        } catch {
            throw SigstoreError(.malformed, "the predicate is not JSON: \(error)")
        }
        guard json.objectValue != nil else {
            throw SigstoreError(.malformed, "the predicate is \(json.kind); it should be an object")
        }
        return json
    }

    package var content: SigningContent { .payload(type: Self.payloadType, payload) }
}

extension SignedBundle {
    /// Who signed, where it is recorded and when: one line.
    package var summary: String {
        let who: String =
            switch verified.signer {
            case .certificate(_, let issuer, let name): "\(name.text.safeForTerminal) (\(issuer.safeForTerminal))"
            case .key(let key): "key \(key.id.hex)"
            }
        let log = bundle.entries.first.map { ", log entry \($0.logIndex)" } ?? ""
        let time = verified.times.first.map { ", \($0.moment)" } ?? ""
        return "signed by \(who)\(log)\(time)"
    }
}
