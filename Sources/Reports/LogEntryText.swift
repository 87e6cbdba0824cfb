package import Bytes
package import Sigstore

/// An entry of a log, as rekor-cli prints it.
package struct LogEntryText: Sendable {
    private let found: LogReader.Found

    package init(_ found: LogReader.Found) { self.found = found }

    /// The body under the name that rekor-cli gives it by its kind.
    private var body: JSON {
        guard let json = try? JSON(parsing: found.entry.canonicalizedBody) else { return .null }
        let name: String? =
            switch found.entry.kindVersion.kind {
            case "hashedrekord": "HashedRekordObj"
            case "dsse": "DSSEObj"
            case "intoto": "IntotoObj"
            default: nil
            }
        guard let name, let spec = json["spec"] else { return json }
        var object = JSONObject()
        object[name] = spec
        return .object(object)
    }

    /// The attestation in base64, so that it may be of any kind.
    private var attestation: String { found.attestation.map { Base64.encode($0) } ?? "" }

    package var json: JSON {
        [
            "Attestation": .string(attestation), "AttestationType": "", "Body": body,
            "LogIndex": .integer(found.entry.logIndex), "IntegratedTime": .integer(found.entry.integratedTime),
            "UUID": .string("\(found.uuid)"), "LogID": .string(Hex.encode(found.entry.logID)),
        ]
    }

    package var text: String {
        var out = "LogID: \(Hex.encode(found.entry.logID))\n"
        if !attestation.isEmpty { out += "Attestation: \(attestation)\n" }
        out += "Index: \(found.entry.logIndex)\n"
        let time = Timestamp(seconds: found.entry.integratedTime).map { "\($0)" } ?? ""
        out += "IntegratedTime: \(time)\nUUID: \(found.uuid)\n"
        return out + "Body: \(body.text(indented: true))\n"
    }

    /// The entry with the words that it was found by, on one line.
    package func sighting(of matches: [String]) -> JSON {
        guard case .object(var object) = json else { return json }
        object["Matches"] = .array(matches.map { .string($0) })
        return .object(object)
    }
}
