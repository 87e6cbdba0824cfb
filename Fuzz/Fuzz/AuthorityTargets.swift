internal import Authority
internal import Bytes

extension FuzzTarget {
    /// Requests for certificates: whoever changes a byte needs the key again.
    static let certificateRequest = FuzzTarget(name: "certificate-request") { input in
        guard let key = try? CertificateRequest.verifiedKey(der: input) else { return }
        require((try? CertifiedKey.check(key)) != nil, "only keys that are certified come out")
    }

    /// Requests for timestamps, in DER and in JSON.
    static let timestampRequest = FuzzTarget(name: "timestamp-request") { input in
        do throws(TimestampRefusal) {
            let request = try TimestampRequest(der: input)
            require(request.imprint.bytes.count == request.imprint.algorithm.byteCount, "an imprint has its length")
        } catch {
            require(!error.response.isEmpty, "a refusal has an answer")
        }
        _ = try? TimestampRequest(json: input)
    }

    /// Tokens and sets of keys, before any signature is looked at.
    static let webToken = FuzzTarget(name: "web-token") { input in
        _ = try? WebToken(String(decoding: input, as: UTF8.self))
        _ = try? WebKeySet(parsing: input)
    }

    /// Forms of OAuth, and what a program says that its build is.
    static let oauthForm = FuzzTarget(name: "oauth-form") { input in
        let text = String(decoding: input, as: UTF8.self)
        if let members = try? FormText.members(text) {
            let again = members.map { "\(FormText.encoded($0.key))=\(FormText.encoded($0.value))" }
            require((try? FormText.members(again.joined(separator: "&"))) == members, "a form reads back")
        }
        _ = try? BuildIdentity(text)
    }

    /// Entries of certificate logs: what is written reads back.
    static let certificateLogEntry = FuzzTarget(name: "certificate-log-entry") { input in
        guard let entry = try? CertificateLogEntry(parsing: input) else { return }
        require(entry.encoded == input, "an entry has one encoding")
    }

    /// Settings of trusted issuers and of users.
    static let issuerSettings = FuzzTarget(name: "issuer-settings") { input in
        guard let json = try? JSON(parsing: input) else { return }
        _ = try? TrustedIssuer.list(json)
        guard let directory = try? IdentityDirectory(json) else { return }
        require((try? IdentityDirectory(directory.json))?.json == directory.json, "users read back")
    }
}
