internal import Authority
internal import Bytes
internal import Host
internal import Hummingbird
internal import Keys
internal import Logging
internal import Sigstore
internal import SystemPackage

/// The authority of a server: one directory, which the faces for certificates, timestamps and identities share.
enum AuthoritySite {
    /// The variable whose value encrypts new key files, and opens those that are there.
    static let passphraseVariable = "MARTLET_KEY_PASSWORD"

    static var secrets: SecretSource { SecretSource(asks: false, environment: ProcessEnvironment.variables) }

    static var passphrase: Secret? { secrets.environment[passphraseVariable].map { Secret($0) } }

    /// Where the authority is.
    static func directory(_ site: Site) -> FilePath { site.data.appending("authority") }

    /// The authority's settings. Where there is none, one is made: a ceremony beforehand keeps the root's key elsewhere.
    static func files(_ site: Site) async throws -> AuthorityFiles {
        let directory = directory(site)
        if let files = try await FileThreads.run({ try AuthorityFiles(directory) }) { return files }
        site.logger("authority").notice(
            "made a certificate authority; take root.key to a safe place",
            metadata: ["directory": .string(directory.string)])
        let ceremony = KeyCeremony(directory, secrets: secrets, passphrase: passphrase)
        return try await ceremony.make(.init(organization: "martlet"), at: try now())
    }

    /// The name of the certificate log, which is part of its signatures: what it was called first it is called for ever.
    static func logName(_ directory: FilePath, url: String) throws -> String {
        let path = directory.appending("name")
        if try Files.exists(path) { return try Files.readText(path, limit: 4096) }
        let name = (url.firstRange(of: "://").map { String(url[$0.upperBound...]) } ?? url) + "/ct"
        try Files.write(Array(name.utf8), to: path, durable: true)
        return name
    }

    static func now() throws -> Timestamp {
        let nanoseconds = Clocks.nowNanoseconds()
        guard
            let now = Timestamp(
                seconds: nanoseconds / 1_000_000_000, nanoseconds: Int32(nanoseconds % 1_000_000_000))
        else { throw Refusal.unavailable("the clock of the server is wrong") }
        return now
    }
}

extension Refusal {
    /// What an authority refuses, for whoever asked. Its own troubles are not told to strangers.
    init(_ error: AuthorityError) {
        switch error.code {
        case .unauthenticated: self.init(.unauthorized, error.message)
        case .refused: self.init(.forbidden, error.message)
        case .absent: self.init(.notFound, error.message)
        case .unreachable: self = .unavailable(error.message)
        case .damaged:
            self.init(.internalServerError, "the authority's own files are not in order; its log has more")
        default: self.init(.badRequest, error.message)
        }
    }
}

extension Face {
    /// Runs a handler, with what authorities refuse as answers.
    func authorized<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as AuthorityError where error.code != .damaged {
            throw Refusal(error)
        }
    }
}

/// What a face adds to what clients of this Sigstore trust, and to where they sign.
struct TrustContribution: Sendable {
    var root = TrustedRoot()
    var signing = SigningConfig()
}

/// A face that signs, so that clients must know its keys.
protocol TrustedFace: Face {
    func contribution() async throws -> TrustContribution
}
