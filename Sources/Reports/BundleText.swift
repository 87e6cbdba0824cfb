internal import Attest
internal import Bytes
internal import Keys
internal import Ledger
package import Sigstore

/// What is in a bundle, for people to read. Nothing of it has been verified.
package struct BundleText: Sendable {
    private let ink: Ink

    package init(ink: Ink) { self.ink = ink }

    package func lines(_ bundle: UnverifiedBundle) -> [String] {
        var out = [ink(.strong, "Sigstore bundle \(bundle.version.rawValue)") + ink(.quiet, ", not verified")]
        out += signer(bundle.identity)
        out += content(bundle.content)
        for (index, entry) in bundle.entries.enumerated() { out += self.entry(entry, index + 1) }
        for (index, response) in bundle.timestamps.enumerated() {
            out.append(ink(.strong, "timestamp \(index + 1)"))
            do {
                let token = try TimestampToken(response: response)
                out.append(fact("time", "\(token.time)"))
                out.append(fact("of", "a signature with the digest \(token.imprint)"))
                out.append(fact("policy", token.policy))
            } catch {
                out.append(fact("unreadable", error.message))
            }
        }
        return out
    }

    private func signer(_ identity: UnverifiedBundle.Identity) -> [String] {
        switch identity {
        case .publicKey(let hint):
            return [ink(.strong, "signed with a key"), fact("hint", hint.isEmpty ? "none" : hint)]
        case .certificates(let chain):
            var out = [ink(.strong, "signed with a certificate")]
            do {
                let certificate = try Certificate(der: chain.first ?? [])
                out.append(fact("identity", (try? certificate.signerName().text) ?? certificate.subject))
                for (claim, text) in try certificate.claims() { out.append(fact(claim.name, text)) }
                out.append(fact("valid", "\(certificate.notBefore) to \(certificate.notAfter)"))
                out.append(fact("issued by", certificate.issuer))
                for promise in try certificate.promises() {
                    out.append(
                        fact("in log", "\(Hex.encode(promise.logID)) at \(promise.moment.map(\.description) ?? "?")"))
                }
                if case .success(let key) = certificate.key {
                    out.append(fact("key", "\(key.algorithm), id \(key.id.hex)"))
                }
            } catch {
                out.append(fact("unreadable", error.message))
            }
            return out
        }
    }

    private func content(_ content: UnverifiedBundle.Content) -> [String] {
        switch content {
        case .message(let digest, let signature):
            return [
                ink(.strong, "over a file"), fact("digest", digest?.description ?? "not named"),
                fact("signature", "\(signature.count) bytes"),
            ]
        case .envelope(let envelope):
            var out = [ink(.strong, "over an envelope"), fact("type", envelope.payloadType)]
            if let statement = try? Statement(parsing: envelope.payload) {
                out.append(fact("predicate", statement.predicateType))
                for subject in statement.subjects.prefix(10) {
                    let digests = subject.digest.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
                    out.append(fact("subject", ([subject.name] + digests).joined(separator: " ")))
                }
                if statement.subjects.count > 10 {
                    out.append(fact("", "and \(statement.subjects.count - 10) subjects more"))
                }
            } else {
                out.append(fact("payload", "\(envelope.payload.count) bytes"))
            }
            return out
        }
    }

    private func entry(_ entry: LogEntry, _ number: Int) -> [String] {
        var out = [
            ink(.strong, "log entry \(number)"), fact("kind", entry.kindVersion.description),
            fact("log", Hex.encode(entry.logID)), fact("index", "\(entry.logIndex)"),
        ]
        if entry.integratedTime > 0, let time = Timestamp(seconds: entry.integratedTime) {
            out.append(fact("time", "\(time)" + (entry.signedEntryTimestamp == nil ? ", not promised" : ", promised")))
        }
        if let proof = entry.inclusionProof {
            out.append(fact("proof", "leaf \(proof.logIndex) of \(proof.treeSize)"))
            if let note = try? Note(parsing: proof.checkpoint ?? "") {
                out.append(
                    fact(
                        "checkpoint",
                        note.text.prefix { $0 != "\n" } + ", signed by "
                            + note.signatures.map(\.name).joined(separator: ", ")))
            }
        } else {
            out.append(fact("proof", "none"))
        }
        return out
    }

    private func fact(_ name: String, _ text: String) -> String {
        "  " + ink(.quiet, name + String(repeating: " ", count: max(1, 33 - name.utf8.count))) + text.safeForTerminal
    }
}
