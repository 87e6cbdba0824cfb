package import Bytes
internal import Keys
package import TUF

/// Whom a user trusts, with where that comes from and how fresh it is.
package struct TrustMaterial: Sendable {
    package enum Source: Sendable {
        /// A file that somebody brought. Nobody says how long it is good.
        case file(String)
        /// A TUF repository with the metadata that vouches for it.
        case repository(String, [Updater.RoleState])
    }

    package let config: ClientTrustConfig
    /// The file as it was received.
    package let bytes: [UInt8]
    package let source: Source

    package init(config: ClientTrustConfig, bytes: [UInt8], source: Source) {
        self.config = config
        self.bytes = bytes
        self.source = source
    }

    package var states: [Updater.RoleState] {
        if case .repository(_, let states) = source { states } else { [] }
    }

    /// The roles whose metadata has expired at `now`.
    package func expired(at now: Timestamp) -> [Updater.RoleState] { states.filter { $0.expires <= now } }

    /// One line on how fresh this is.
    package func freshness(at now: Timestamp) -> String {
        switch source {
        case .file(let path): return "from the file \(path.safeForTerminal), whose age nobody vouches for"
        case .repository(let mirror, let states):
            let expired = expired(at: now)
            guard let first = states.min(by: { $0.expires < $1.expires }) else {
                return "from \(mirror.safeForTerminal)"
            }
            guard expired.isEmpty else {
                let names = expired.map { "\($0.role.safeForTerminal) on \($0.expires)" }.joined(separator: ", ")
                return
                    "from \(mirror.safeForTerminal), expired: \(names); run `martlet trust update` where there is a network"
            }
            return
                "from \(mirror.safeForTerminal), good until \(first.expires) (\(Self.days(from: now, to: first.expires)), \(first.role.safeForTerminal))"
        }
    }

    /// How long it is from one moment to another, in days.
    static func days(from now: Timestamp, to end: Timestamp) -> String {
        let days = Int((Double(end.seconds - now.seconds) / 86400).rounded(.down))
        return days == 1 ? "1 day left" : "\(days) days left"
    }
}

extension TrustMaterial {
    /// What is trusted, for people.
    package func text(at now: Timestamp) -> String {
        var out = "Trust \(freshness(at: now))\n"
        for state in states {
            let left = state.expires <= now ? "expired" : Self.days(from: now, to: state.expires)
            out += "  \(state.role.safeForTerminal) \(state.version): until \(state.expires) (\(left))\n"
        }
        let root = config.trustedRoot
        func section(_ title: String, _ lines: [[String]]) {
            out += "\n\(title)\(lines.isEmpty ? ": none" : "")\n"
            for entry in lines { out += entry.enumerated().map { ($0 == 0 ? "  " : "    ") + $1 + "\n" }.joined() }
        }
        section("Transparency logs", root.logs.map { Self.lines($0, now) })
        section("Certificate logs", root.certificateLogs.map { Self.lines($0, now) })
        section("Certificate authorities", root.certificateAuthorities.map { Self.lines($0, now) })
        section("Timestamp authorities", root.timestampAuthorities.map { Self.lines($0, now) })
        if let signing = config.signingConfig {
            let services = [
                ("certificates", signing.certificateAuthorities), ("tokens", signing.tokenIssuers),
                ("log", signing.logs), ("timestamps", signing.timestampAuthorities),
            ]
            section(
                "Signing",
                services.flatMap { name, services in
                    services.map {
                        [
                            "\(name): \($0.url.safeForTerminal), version \($0.majorAPIVersion), \(Self.period($0.period, now))"
                        ]
                    }
                })
        }
        return out
    }

    private static func lines(_ log: TrustedRoot.Log, _ now: Timestamp) -> [String] {
        [
            log.baseURL.isEmpty ? "(no address)" : log.baseURL.safeForTerminal,
            "\(log.key.algorithm), id \(Hex.encode(log.logID))", period(log.period, now),
        ] + (log.operator.map { ["run by \($0.safeForTerminal)"] } ?? [])
    }

    private static func lines(_ authority: TrustedRoot.Authority, _ now: Timestamp) -> [String] {
        [authority.uri.isEmpty ? "(no address)" : authority.uri.safeForTerminal]
            + authority.chain.map {
                "\($0.subject.safeForTerminal), certificate good until \($0.notAfter)\($0.notAfter < now ? " (expired)" : "")"
            } + [period(authority.period, now)] + (authority.operator.map { ["run by \($0.safeForTerminal)"] } ?? [])
    }

    private static func period(_ period: ValidityPeriod, _ now: Timestamp) -> String {
        guard let start = period.start else { return "trusted at no time: the start is missing" }
        if now < start { return "trusted from \(start), which is to come" }
        guard let end = period.end else { return "trusted since \(start)" }
        return "trusted from \(start) to \(end)\(end < now ? "" : " (\(days(from: now, to: end)))")"
    }

    /// The same for programs.
    package func json(at now: Timestamp) -> JSON {
        var object = JSONObject()
        switch source {
        case .file(let path): object["source"] = ["kind": "file", "path": .string(path)]
        case .repository(let mirror, let states):
            object["source"] = ["kind": "repository", "mirror": .string(mirror)]
            object["metadata"] = .array(
                states.map {
                    [
                        "role": .string($0.role), "version": .integer($0.version),
                        "expires": .string($0.expires.description), "isExpired": .bool($0.expires <= now),
                    ]
                })
        }
        object["trustedRoot"] = config.trustedRoot.json
        object["signingConfig"] = config.signingConfig?.json
        return .object(object)
    }
}
