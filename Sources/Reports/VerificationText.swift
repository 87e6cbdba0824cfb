internal import Attest
package import Bytes
internal import Keys
package import Policy
package import Sigstore

/// Verdicts of a verifier for people to read.
package struct VerificationText: Sendable {
    private let ink: Ink
    /// Prints every check of a bundle that is good, too.
    private let showsAll: Bool

    package init(ink: Ink, showsAll: Bool) {
        self.ink = ink
        self.showsAll = showsAll
    }

    /// Lines about all verdicts; with more than one, their count is the last line.
    package func lines(_ verdicts: [BundleVerification.Verdict]) -> [String] {
        var out = verdicts.flatMap { lines($0) }
        if verdicts.count > 1 {
            let good = verdicts.count { $0.isVerified }
            out.append("\(good) of \(verdicts.count) verified")
        }
        return out
    }

    private func lines(_ verdict: BundleVerification.Verdict) -> [String] {
        guard verdict.isVerified else {
            var out = [heading(refused: verdict.name)]
            if let problem = verdict.problem { out.append("  " + problem.safeForTerminal) }
            for report in verdict.failures { out += lines(report) }
            return out
        }
        return verdict.verified.flatMap { lines($0, about: verdict.name) }
    }

    /// Every verdict with every check, for programs.
    package static func json(_ verdicts: [BundleVerification.Verdict]) -> JSON {
        .array(
            verdicts.map { verdict in
                var object: JSONObject = ["target": .string(verdict.name), "verified": .bool(verdict.isVerified)]
                if let problem = verdict.problem { object["problem"] = .string(problem) }
                object["bundles"] = .array(verdict.verified.map(json) + verdict.failures.map(\.json))
                return .object(object)
            })
    }

    private static func json(_ bundle: VerifiedBundle) -> JSON {
        var object = bundle.report.json.objectValue ?? [:]
        switch bundle.signer {
        case .certificate(let certificate, let issuer, let name):
            var claims = JSONObject()
            for (claim, text) in (try? certificate.claims()) ?? [] { claims[claim.name] = .string(text) }
            object["signer"] = [
                "identity": .string(name.text), "issuer": .string(issuer),
                "certificate": .string(certificate.fingerprint.hex), "claims": .object(claims),
            ]
        case .key(let key):
            object["signer"] = ["keyID": .string(key.id.hex), "algorithm": .string(key.algorithm.description)]
        }
        object["times"] = .array(
            bundle.times.map { time in
                switch time.source {
                case .log(let url): ["time": .string(time.moment.description), "log": .string(url)]
                case .authority(let url): ["time": .string(time.moment.description), "authority": .string(url)]
                }
            })
        if let statement = bundle.statement { object["statement"] = statement.json }
        return .object(object)
    }

    /// Lines about a bundle that is good: who, what, when, from which source.
    package func lines(_ bundle: VerifiedBundle, about name: String) -> [String] {
        var out = [ink(.good, "✔") + " " + ink(.strong, name.safeForTerminal)]
        switch bundle.signer {
        case .certificate(_, let issuer, let name):
            out.append(fact("who", name.text + " (by \(issuer))"))
        case .key(let key): out.append(fact("who", "the holder of the key \(key.id.hex) (\(key.algorithm))"))
        }
        if let statement = bundle.statement {
            out.append(fact("what", what(statement)))
            if let source = source(statement, bundle) { out.append(fact("from", source)) }
        } else {
            out.append(fact("what", "a signature over the file"))
            if let source = certifiedSource(bundle) { out.append(fact("from", source)) }
        }
        out.append(fact("when", when(bundle)))
        if showsAll { out += bundle.report.steps.map { line($0) } }
        return out
    }

    /// Lines about a bundle that is refused: what failed, what was expected, what to do.
    package func lines(_ report: VerificationReport) -> [String] {
        report.steps.filter { showsAll || $0.outcome == .failed }.flatMap { step -> [String] in
            var out = [line(step)]
            guard step.outcome == .failed else { return out }
            if let expected = step.expected, !expected.isEmpty { out.append(fact("    expected", expected)) }
            if let got = step.got { out.append(fact("    got", got)) }
            if let remedy = step.remedy { out.append("    " + ink(.quiet, remedy.safeForTerminal)) }
            return out
        }
    }

    /// The heading of a target that is refused.
    package func heading(refused name: String) -> String {
        ink(.bad, "✘") + " " + ink(.strong, name.safeForTerminal)
    }

    private func line(_ step: VerificationReport.Step) -> String {
        let mark =
            switch step.outcome {
            case .passed: ink(.good, "✔")
            case .failed: ink(.bad, "✘")
            case .skipped: ink(.quiet, "–")
            }
        let code = ink(.quiet, "[\(step.check.rawValue)]")
        return "  \(mark) \(step.title): \(step.detail.safeForTerminal) \(code)"
    }

    private func fact(_ name: String, _ text: String) -> String {
        "  " + ink(.quiet, name.padding(to: 6)) + text.safeForTerminal
    }

    private func what(_ statement: Statement) -> String {
        let first = statement.subjects.first.map { subject in
            let digest = subject.digest["sha256"].map { "sha256:\($0)" } ?? subject.digest.values.sorted().first ?? ""
            return [subject.name, digest].filter { !$0.isEmpty }.joined(separator: " ")
        }
        let rest = statement.subjects.count > 1 ? " and \(statement.subjects.count - 1) more" : ""
        return "\(statement.predicateType) about \(first ?? "nothing")\(rest)"
    }

    private func when(_ bundle: VerifiedBundle) -> String {
        guard !bundle.times.isEmpty else { return "nobody tells" }
        return bundle.times.map { time in
            switch time.source {
            case .log(let url): "\(time.moment) (log \(url))"
            case .authority(let url): "\(time.moment) (timestamp by \(url))"
            }
        }.joined(separator: ", ")
    }

    /// Where it was built from: as the certificate has it, which nobody but the issuer could write; else as the
    /// builder says.
    private func source(_ statement: Statement, _ bundle: VerifiedBundle) -> String? {
        if let certified = certifiedSource(bundle) { return certified }
        let view = try? ProvenanceView(statement)
        return view.flatMap { $0.materials.first { $0.digest["gitCommit"] != nil || $0.digest["sha1"] != nil } }.map {
            "\($0.uri)@\($0.digest["gitCommit"] ?? $0.digest["sha1"] ?? "") (says the builder)"
        }
    }

    private func certifiedSource(_ bundle: VerifiedBundle) -> String? {
        guard case .certificate(let certificate, _, _) = bundle.signer,
            let uri = try? certificate.claim(.sourceRepositoryURI)
        else { return nil }
        let commit = (try? certificate.claim(.sourceRepositoryDigest)).flatMap(\.self)
        let ref = (try? certificate.claim(.sourceRepositoryRef)).flatMap(\.self)
        return uri + (commit.map { "@\($0)" } ?? "") + (ref.map { " (\($0))" } ?? "")
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - utf8.count))
    }
}
