internal import Bytes
internal import Keys

/// Checks of times and of the certificate at these times.
extension VerificationRun {
    mutating func checkTimes() {
        var operators: Set<String> = []
        var authorities: Set<String> = []
        for logged in loggedEntries where logged.hasPromise && !logged.entry.isRekorV2 {
            guard logged.entry.integratedTime > 0, let moment = Timestamp(seconds: logged.entry.integratedTime) else {
                continue
            }
            times.append(VerifiedBundle.Time(moment: moment, source: .log(logged.log.baseURL)))
            operators.insert("log " + logged.log.operatorName)
        }
        for (index, response) in bundle.timestamps.enumerated() {
            let title = bundle.timestamps.count == 1 ? "timestamp" : "timestamp \(index + 1)"
            guard let authority = checkTimestamp(response, title) else { continue }
            operators.insert("authority " + authority.operatorName)
            authorities.insert(authority.operatorName)
        }
        checkThreshold(operators.count, policy.times, "time", "the signature's time is not told by enough sources")
        if let keyPeriod {
            if let outside = times.map(\.moment).first(where: { !keyPeriod.contains($0) }) {
                report.fail(
                    .keyPeriod, "key's period", "the key was not in use when the signature was made",
                    expected: "\(keyPeriod)", got: "\(outside)")
            } else if !times.isEmpty {
                report.pass(.keyPeriod, "key's period", "\(keyPeriod)")
            }
        }
        if policy.timestamps > 0 {
            checkThreshold(
                authorities.count, policy.timestamps, "timestamps",
                "there are not enough timestamps by known authorities")
        }
    }

    private mutating func checkThreshold(_ count: Int, _ needed: Int, _ title: String, _ reason: String) {
        if count >= needed {
            let moments = times.map(\.moment.description).joined(separator: ", ")
            if needed > 0 || count > 0 { report.pass(.timeThreshold, title, moments) }
        } else {
            report.fail(
                .timeThreshold, title, reason, expected: "\(needed) by different operators", got: "\(count)",
                remedy:
                    "a bundle without a trusted time can't show that its certificate was valid; ask for one with a timestamp"
            )
        }
    }

    private mutating func checkTimestamp(_ response: [UInt8], _ title: String) -> TrustedRoot.Authority? {
        do {
            let token = try TimestampToken(response: response)
            do {
                let authority = try token.verify(
                    bundle.signature, by: trustedRoot.timestampAuthorities, links: verifier.links)
                times.append(VerifiedBundle.Time(moment: token.time, source: .authority(authority.uri)))
                report.pass(.timestamp, title, "\(token.time) by \(authority.uri.safeForTerminal)")
                return authority
            } catch {
                switch error {
                case .unknownAuthority
                where policy.ignoresUnknownTimestamps || trustedRoot.timestampAuthorities.isEmpty:
                    report.skip(.timestamp, title, "it is not by an authority of the trusted root, and does not count")
                case .unknownAuthority:
                    report.fail(
                        .timestamp, title, "it is not by an authority of the trusted root",
                        expected: trustedRoot.timestampAuthorities.map(\.uri).joined(separator: " or ").safeForTerminal,
                        remedy: "update the trusted root, or pass over such timestamps with --ignore-unknown-timestamps"
                    )
                case .wrong(let error): report.fail(.timestamp, title, error.message)
                }
            }
        } catch {
            report.fail(.timestamp, title, error.message)
        }
        return nil
    }

    /// Checks the chain at every time, what the certificate is for, and that certificate logs know it.
    mutating func checkCertificate() {
        guard case .identities = policy.signer else { return }
        guard let certificate else {
            for check in [VerificationReport.Check.chain, .profile, .certificateLog] {
                report.skip(check, "certificate", "there is none")
            }
            return
        }
        do {
            try certificate.checkCodeSigning()
            _ = try certificate.signerName()
            report.pass(.profile, "certificate's purpose", "code signing")
        } catch {
            report.fail(.profile, "certificate's purpose", error.message)
        }
        guard !times.isEmpty else {
            report.skip(.chain, "certificate chain", "there is no time at which to check it")
            report.skip(.certificateLog, "certificate log", "there is no chain")
            return
        }
        guard let chain = checkChain(certificate) else {
            report.skip(.certificateLog, "certificate log", "there is no chain")
            return
        }
        checkCertificateLogs(certificate, chain)
    }

    private mutating func checkChain(_ certificate: Certificate) -> CertificateChain? {
        let moments = times.map(\.moment)
        var reasons: [String] = []
        for authority in trustedRoot.certificateAuthorities {
            do {
                let chain = try CertificateChain.find(
                    from: certificate, authority: authority, at: moments, links: verifier.links)
                report.pass(
                    .chain, "certificate chain",
                    "\(authority.uri.safeForTerminal), valid \(certificate.notBefore) to \(certificate.notAfter)")
                return chain
            } catch {
                // An authority that issued nothing here has nothing to say.
                let issued = authority.chain.contains { $0.subjectBytes == certificate.issuerBytes }
                if issued { reasons.append(error.message) }
            }
        }
        report.fail(
            .chain, "certificate chain",
            reasons.isEmpty
                ? "no authority of the trusted root issued the certificate" : reasons.joined(separator: "; "),
            expected: trustedRoot.certificateAuthorities.compactMap { $0.chain.first?.subject }.joined(
                separator: " or "),
            got: certificate.issuer.safeForTerminal,
            remedy: reasons.isEmpty ? "use the trusted root of the instance which the bundle is from" : nil)
        return nil
    }

    private mutating func checkCertificateLogs(_ certificate: Certificate, _ chain: CertificateChain) {
        let title = "certificate log"
        guard policy.certificateLogs > 0 else {
            report.skip(.certificateLog, title, "the policy asks for none")
            return
        }
        var operators: Set<String> = []
        var reasons: [String] = []
        do {
            for promise in try SignedCertificateTimestamp.embedded(in: certificate) {
                let logs = trustedRoot.certificateLogs.filter { $0.logID == promise.logID }
                if logs.isEmpty {
                    reasons.append("the trusted root has no certificate log \(Hex.encode(promise.logID))")
                }
                for log in logs {
                    do {
                        try promise.verify(by: log, certificate: certificate, issuer: chain.issuer)
                        operators.insert(log.operatorName)
                        break
                    } catch {
                        reasons.append(error.message)
                    }
                }
            }
        } catch {
            reasons.append(error.message)
        }
        if operators.count >= policy.certificateLogs {
            report.pass(.certificateLog, title, "\(operators.count) of \(policy.certificateLogs) needed")
        } else {
            report.fail(
                .certificateLog, title,
                reasons.isEmpty
                    ? "the certificate holds no promise of a certificate log" : reasons.joined(separator: "; "),
                expected: "\(policy.certificateLogs) by different operators", got: "\(operators.count)")
        }
    }
}
