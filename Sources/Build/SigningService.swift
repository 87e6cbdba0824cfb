internal import Attest
internal import Bytes
internal import Host
internal import Keys
internal import Sigstore
internal import SystemPackage
internal import Wire

/// The process that `SigningProcess` asks: opens a key or gets tokens, and signs the statements that it is given, until
/// the conversation ends.
package enum SigningService {
    /// Serves the process that started this one.
    package static func run() async throws {
        try ProcessPrivacy.closeMemory()
        // Control-C ends the build, and that ends the conversation.
        TerminationSignals.ignoreInterrupts()
        let conversation = try Conversation.withParent()
        guard let first = try await conversation.receive() else { return }
        do {
            guard let request = try SigningMessages.request(in: first) else {
                throw KeyError(.malformed, "the signing process was not told who signs")
            }
            var settings = WireSettings(
                userAgent: "martlet/\(MartletProgram.version)", environment: ProcessEnvironment.variables)
            if let file = request.services?.authorityFile { settings.authorityFiles = [file] }
            let client = HTTPClient(settings)
            do {
                try await serve(conversation, try await signer(for: request, client))
            } catch {
                await client.close()
                throw error
            }
            await client.close()
        } catch {
            try await conversation.send(SigningMessages.failure(error))
        }
    }

    private static func serve(_ conversation: Conversation, _ signer: any StatementSigning) async throws {
        try await conversation.send(SigningMessages.hello(signer.identity))
        while let question = try await conversation.receive() {
            try await conversation.send(await answer(question, signer))
        }
    }

    private static func answer(_ question: [UInt8], _ signer: any StatementSigning) async -> [UInt8] {
        do {
            // A signer that takes anything could be made to sign a document of another kind.
            let question = try? JSON(parsing: question)
            guard let (bytes, statement) = Self.statement(question?["statement"]) else {
                throw KeyError(.malformed, "what should be signed is no in-toto statement")
            }
            let provenance = Self.statement(question?["provenance"])?.statement
            let answer: JSON = ["bundle": try await signer.bundle(around: bytes, statement, beside: provenance).json]
            return answer.bytes()
        } catch {
            return SigningMessages.failure(error)
        }
    }

    private static func statement(_ json: JSON?) -> (bytes: [UInt8], statement: Statement)? {
        guard let bytes = json?.stringValue.flatMap({ try? Base64.decode($0) }),
            let statement = try? Statement(parsing: bytes)
        else { return nil }
        return (bytes, statement)
    }

    private static func signer(
        for request: SigningRequest, _ client: HTTPClient
    ) async throws -> any StatementSigning {
        switch request.signer {
        case .key(let key, let passwordFile, let padding):
            let secrets = SecretSource(
                file: passwordFile.map { FilePath($0) }, environment: ProcessEnvironment.variables)
            let signer = try await KeyReference(key).signer(
                KeyReference.Options(secrets: secrets, padding: padding, timeLimit: .seconds(request.seconds)))
            return KeySigning(signer, request.services, client)
        case .token(let token):
            guard let services = request.services else {
                throw SigstoreError(.absent, "no services to sign with are known; give --signing-config FILE")
            }
            return try await TokenSigning(token, services, client)
        }
    }
}

/// One who signs statements in this process.
private protocol StatementSigning: Sendable {
    var identity: SignerIdentity { get }
    /// A bundle around the bytes of `statement`, of whose subjects there may be provenance.
    func bundle(
        around bytes: [UInt8], _ statement: Statement, beside provenance: Statement?
    ) async throws -> UnverifiedBundle
}

/// The time, for tokens and certificates.
private func now() throws(SigstoreError) -> Timestamp {
    guard let now = Timestamp(seconds: Clocks.nowNanoseconds() / 1_000_000_000) else {
        throw SigstoreError(.expired, "this machine's clock is beyond the year 9999")
    }
    return now
}

/// Signs with a key, which services witness where there are any.
private struct KeySigning: StatementSigning {
    private let envelopes: DSSESigner
    private let witnessed: KeySigner?

    init(_ signer: any Signer, _ services: SigningRequest.Services?, _ client: HTTPClient) {
        envelopes = DSSESigner(signer)
        witnessed = services.map {
            KeySigner(signer, config: $0.config, trustedRoot: $0.trustedRoot, transport: client)
        }
    }

    var identity: SignerIdentity { .key(envelopes.publicKey) }

    func bundle(
        around bytes: [UInt8], _ statement: Statement, beside provenance: Statement?
    ) async throws -> UnverifiedBundle {
        if let witnessed {
            return try await witnessed.sign(.payload(type: Statement.payloadType, bytes), at: now()).bundle
        }
        return UnverifiedBundle(try await envelopes.envelope(around: bytes), signedBy: envelopes.publicKey)
    }
}

/// Signs as the owner of a token.
private final class TokenSigning: StatementSigning {
    let identity: SignerIdentity
    private let source: TokenSource
    private let builder: String?
    private let signer: KeylessSigner
    private let client: HTTPClient
    /// The token that is good for many statements, until it expires.
    private let held: HeldToken

    init(_ token: SigningRequest.Token, _ services: SigningRequest.Services, _ client: HTTPClient) async throws {
        self.client = client
        signer = KeylessSigner(config: services.config, trustedRoot: services.trustedRoot, transport: client)
        held = HeldToken()
        switch token {
        case .text(let text): (source, builder) = (.token(try IdentityToken(text)), nil)
        case .file(let file): (source, builder) = (.file(FilePath(file)), nil)
        case .ambient: (source, builder) = (.ambient(environment: ProcessEnvironment.variables), nil)
        case .builds(let issuer, let name, let secretFile, let builder):
            let secrets = SecretSource(
                file: secretFile.map { FilePath($0) }, asks: false, environment: ProcessEnvironment.variables)
            guard let secret = try secrets.secret(of: SigningRequest.issuerSecretVariable) else {
                throw KeyError(
                    .wrongPassphrase,
                    "\(name.safeForTerminal) needs its secret at the identity issuer; give --issuer-secret-file, or set \(SigningRequest.issuerSecretVariable)"
                )
            }
            source = .builds(BuildTokenClient(issuer: issuer, client: name, secret: secret, transport: client))
            self.builder = builder
            identity = .owner(issuer: issuer, names: [builder])
            return
        }
        // Who signs is told before anything is built, and a token that is no good is refused then.
        let token = try await source.token(for: [:], transport: client)
        try token.check(at: now())
        await held.hold(token)
        identity = .owner(issuer: token.issuer, names: token.certificateNames)
    }

    func bundle(
        around bytes: [UInt8], _ statement: Statement, beside provenance: Statement?
    ) async throws -> UnverifiedBundle {
        let moment = try now()
        let token = try await token(for: statement, beside: provenance, at: moment)
        return try await signer.sign(.payload(type: Statement.payloadType, bytes), token: token, at: moment).bundle
    }

    private func token(
        for statement: Statement, beside provenance: Statement?, at moment: Timestamp
    ) async throws -> IdentityToken {
        if let builder {
            let claims = try BuildClaims(statement, beside: provenance, builder: builder).json
            return try await source.token(for: claims, transport: client)
        }
        if let token = await held.token, moment < token.expires { return token }
        let token = try await source.token(for: [:], transport: client)
        await held.hold(token)
        return token
    }
}

/// The token in use.
private actor HeldToken {
    private(set) var token: IdentityToken?

    func hold(_ token: IdentityToken) { self.token = token }
}
