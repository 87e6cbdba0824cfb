internal import Attest
internal import Bytes
internal import Host
internal import Keys
package import Sigstore
internal import SystemPackage

/// Signs statements by asking a process that holds the key or the token, and that nothing a build starts can reach.
///
/// The process is started before the first step, from this program's own file. Its socket is closed in everything that
/// is started later, its memory is closed to other processes, and it signs in-toto statements and nothing else.
package struct SigningProcess: BundleSigner {
    private let identity: SignerIdentity
    private let padding: RSAPadding
    /// What bundles must verify with, where services witness them.
    private let trustedRoot: TrustedRoot?
    private let conversation: Conversation
    private let timeLimit: Duration

    /// The command that `SigningService` is run by.
    package static let commandName = "sign-statements"

    /// Starts the process, which opens the key and may ask for its passphrase at the terminal, and runs `body` beside it.
    package static func running<Value: Sendable>(
        _ request: SigningRequest, _ body: @Sendable (SigningProcess) async throws -> Value
    ) async throws -> Value {
        let opening = SigningMessages.opening(inherited(request))
        let names = try request.secretVariables()
        // Not by its path: the file there may have been replaced.
        return try await ChildProcess.conversing(with: ["/proc/self/exe", commandName]) { conversation in
            let hello = try SigningMessages.answer(try await told { try await conversation.ask(opening) })
            // The other process has them; what a workspace has martlet run, or hands to a step, must not.
            ProcessEnvironment.withhold(names)
            var padding = RSAPadding.pkcs1v15
            if case .key(_, _, let own) = request.signer { padding = own }
            let process = SigningProcess(
                identity: try SigningMessages.identity(in: hello), padding: padding,
                trustedRoot: request.services?.trustedRoot, conversation: conversation,
                // A little more than the signer's own limit, whose message says more.
                timeLimit: .seconds(request.seconds + 10))
            return try await body(process)
        }
    }

    package var name: String {
        let witnesses = trustedRoot == nil ? "" : "\nwitnessed"
        switch identity {
        case .key(let key): return "\(key.id.hex)\n\(padding.name)\(witnesses)"
        case .owner(let issuer, let names): return "\(issuer)\n\(names.joined(separator: "\n"))\(witnesses)"
        }
    }

    package func bundle(around statement: [UInt8]) async throws -> UnverifiedBundle {
        try await ask(["statement": .string(Base64.encode(statement))])
    }

    package func bundle(around statement: [UInt8], beside provenance: [UInt8]) async throws -> UnverifiedBundle {
        guard case .owner = identity, statement != provenance else { return try await bundle(around: statement) }
        return try await ask([
            "statement": .string(Base64.encode(statement)), "provenance": .string(Base64.encode(provenance)),
        ])
    }

    private func ask(_ question: JSON) async throws -> UnverifiedBundle {
        let bytes: [UInt8]
        do {
            bytes = try await Self.told { try await conversation.ask(question.bytes(), timeLimit: timeLimit) }
        } catch is CancellationError {
            throw KeyError(.unavailable, "signing was interrupted")
        }
        guard let json = try SigningMessages.answer(bytes)["bundle"] else {
            throw KeyError(.unavailable, "the signing process gave no bundle")
        }
        let bundle = try UnverifiedBundle(json)
        try check(bundle)
        return bundle
    }

    package func check(_ bundle: UnverifiedBundle) throws {
        guard let trustedRoot else {
            guard case .key(let key) = identity, let envelope = bundle.envelope else {
                throw SigstoreError(.malformed, "the bundle holds no envelope")
            }
            return try envelope.verify(by: key, padding: padding)
        }
        let signer: VerificationPolicy.Signer =
            switch identity {
            case .key(let key): .key(key)
            case .owner(let issuer, let names):
                .identities(names.map { .init(issuer: .exactly(issuer), name: .exactly($0)) })
            }
        _ = try Verifier(trustedRoot: trustedRoot, policy: VerificationPolicy(signer: signer)).verify(
            bundle, artifact: nil)
    }

    private static func told(_ body: () async throws -> [UInt8]) async throws -> [UInt8] {
        do {
            return try await body()
        } catch let error as HostError {
            throw KeyError(.unavailable, "the signing process can't be asked: \(error); nothing was signed")
        }
    }

    /// The request with names of pipes that mean the same to the signing process.
    private static func inherited(_ request: SigningRequest) -> SigningRequest {
        var request = request
        switch request.signer {
        case .key(let key, let file?, let padding):
            request.signer = .key(key, passwordFile: inherited(file), padding: padding)
        case .token(.file(let file)): request.signer = .token(.file(inherited(file)))
        case .token(.builds(let issuer, let client, let file?, let builder)):
            request.signer = .token(
                .builds(issuer: issuer, client: client, secretFile: inherited(file), builder: builder))
        default: break
        }
        return request
    }

    /// A pipe that a shell made for this process, by a name that the signing process has for it too.
    private static func inherited(_ path: String) -> String {
        for prefix in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(prefix) {
            return "/proc/\(Machine.processID)/fd/\(path.dropFirst(prefix.count))"
        }
        return path == "/dev/stdin" ? "/proc/\(Machine.processID)/fd/0" : path
    }
}
