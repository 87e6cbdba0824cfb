package import Attest
internal import Bytes
internal import Host
package import Keys
internal import Sigstore
internal import SystemPackage

/// Signs statements by asking a process that holds the key, and that nothing a build starts can reach.
///
/// The process is started before the first step, from this program's own file. Its socket is closed in everything that
/// is started later, its memory is closed to other processes, and it signs in-toto statements and nothing else.
package struct SigningProcess: EnvelopeSigner {
    package let publicKey: PublicKey
    package let padding: RSAPadding
    private let conversation: Conversation
    private let timeLimit: Duration

    /// The command that `SigningService` is run by.
    package static let commandName = "sign-statements"

    /// Starts the process, which opens the key and may ask for its passphrase at the terminal, and runs `body` beside it.
    package static func running<Value: Sendable>(
        _ request: SigningRequest, _ body: @Sendable (SigningProcess) async throws -> Value
    ) async throws -> Value {
        var request = request
        request.passwordFile = request.passwordFile.map(inherited)
        let opening = SigningMessages.Opening(request).bytes
        var secrets = SecretSource.passphraseVariables + SecretSource.pinVariables
        if case .variable(let name) = try KeyReference(request.key) { secrets.append(name) }
        let (padding, seconds, names) = (request.padding, request.seconds, secrets)
        // Not by its path: the file there may have been replaced.
        return try await ChildProcess.conversing(with: ["/proc/self/exe", commandName]) { conversation in
            let answer = try SigningMessages.answer(try await told { try await conversation.ask(opening) })
            // The other process has them; what a workspace has martlet run, or hands to a step, must not.
            ProcessEnvironment.withhold(names)
            guard let text = answer["publicKey"]?.stringValue else {
                throw KeyError(.unavailable, "the signing process gave no public key")
            }
            let process = SigningProcess(
                publicKey: try PublicKey(pem: Array(text.utf8)), padding: padding, conversation: conversation,
                // A little more than the signer's own limit, whose message says more.
                timeLimit: .seconds(seconds + 10))
            return try await body(process)
        }
    }

    package func envelope(around statement: [UInt8]) async throws(KeyError) -> Envelope {
        let question: JSON = ["statement": .string(Base64.encode(statement))]
        let bytes: [UInt8]
        do {
            bytes = try await Self.told { try await conversation.ask(question.bytes(), timeLimit: timeLimit) }
        } catch let error as KeyError {
            throw error
        } catch {
            throw KeyError(.unavailable, "signing was interrupted")
        }
        let answer = try SigningMessages.answer(bytes)
        guard let signature = answer["signature"]?.stringValue.flatMap({ try? Base64.decode($0) }) else {
            throw KeyError(.unavailable, "the signing process gave no signature")
        }
        let unsigned = Envelope(payloadType: Statement.payloadType, payload: statement)
        let envelope = unsigned.signed(by: publicKey, signature)
        try envelope.verify(by: publicKey, padding: padding)
        return envelope
    }

    private static func told(_ body: () async throws -> [UInt8]) async throws -> [UInt8] {
        do {
            return try await body()
        } catch let error as HostError {
            throw KeyError(.unavailable, "the signing process can't be asked: \(error); nothing was signed")
        }
    }

    /// A pipe that a shell made for this process, by a name that the signing process has for it too.
    private static func inherited(_ path: String) -> String {
        for prefix in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(prefix) {
            return "/proc/\(Machine.processID)/fd/\(path.dropFirst(prefix.count))"
        }
        return path == "/dev/stdin" ? "/proc/\(Machine.processID)/fd/0" : path
    }
}

/// The other side: opens a key and signs the statements that it is given, until the conversation ends.
package enum SigningService {
    /// Serves the process that started this one.
    package static func run() async throws {
        try ProcessPrivacy.closeMemory()
        // Control-C ends the build, and that ends the conversation.
        TerminationSignals.ignoreInterrupts()
        let conversation = try Conversation.withParent()
        guard let first = try await conversation.receive() else { return }
        let signer: DSSESigner
        do throws(KeyError) {
            guard let opening = (try? JSON(parsing: first)).flatMap(SigningMessages.Opening.init) else {
                throw KeyError(.malformed, "the signing process was not told which key to open")
            }
            signer = DSSESigner(try await open(opening))
        } catch {
            return try await conversation.send(SigningMessages.failure(error))
        }
        let hello: JSON = ["publicKey": .string(signer.publicKey.pem)]
        try await conversation.send(hello.bytes())
        while let question = try await conversation.receive() {
            try await conversation.send(await answer(question, signer))
        }
    }

    private static func open(_ opening: SigningMessages.Opening) async throws(KeyError) -> any Signer {
        let secrets = SecretSource(
            file: opening.passwordFile.map { FilePath($0) }, environment: ProcessEnvironment.variables)
        return try await KeyReference(opening.key).signer(
            KeyReference.Options(secrets: secrets, padding: opening.padding, timeLimit: .seconds(opening.seconds)))
    }

    private static func answer(_ question: [UInt8], _ signer: DSSESigner) async -> [UInt8] {
        do throws(KeyError) {
            guard
                let statement = (try? JSON(parsing: question))?["statement"]?.stringValue
                    .flatMap({ try? Base64.decode($0) })
            else { throw KeyError(.malformed, "the signing process was asked for something else than a signature") }
            let envelope = try await signer.envelope(around: statement)
            let json: JSON = ["signature": .string(Base64.encode(envelope.signatures.first?.signature ?? []))]
            return json.bytes()
        } catch {
            return SigningMessages.failure(error)
        }
    }
}
