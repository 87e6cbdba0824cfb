internal import Bytes
internal import Host

/// Signs by asking a program: one run for each question, JSON in and out (docs/formats/external-signer.md).
///
/// What the program returns is checked against its public key before anybody gets it.
package struct ExternalSigner: Signer {
    package let publicKey: PublicKey
    package let padding: RSAPadding
    private let program: ExternalProgram
    private let timeLimit: Duration

    /// The protocol's name and version.
    package static let protocolName = "martlet-signer/1"
    /// How long one answer may take.
    package static let defaultTimeLimit = Duration.seconds(60)
    /// The most bytes of an answer.
    private static let greatestAnswer = 64 << 10
    /// The most bytes of a message that is passed on whole, for keys that take no digest.
    private static let greatestMessage = 16 << 20

    /// Asks the program for its public key.
    package init(
        _ program: ExternalProgram, padding: RSAPadding = .pkcs1v15, timeLimit: Duration = defaultTimeLimit
    ) async throws(KeyError) {
        let answer = try await Self.ask(program, "public-key", [:], timeLimit)
        guard let text = answer["publicKey"]?.stringValue else {
            throw KeyError(.malformed, "\(program.program) gave no publicKey; it must be PEM text")
        }
        publicKey = try PublicKey(pem: Array(text.utf8))
        self.program = program
        self.padding = padding
        self.timeLimit = timeLimit
    }

    package func sign(_ message: SignedMessage) async throws(KeyError) -> [UInt8] {
        var question: JSONObject = ["algorithm": .string(publicKey.algorithm.name)]
        if case .rsa = publicKey.algorithm { question["padding"] = .string(padding.name) }
        if let hash = publicKey.algorithm.defaultHash {
            question["hash"] = .string(hash.rawValue)
            question["digest"] = .string(Base64.encode(try message.digest(by: hash).bytes))
        } else {
            let bytes = try message.wholeBytes(for: publicKey.algorithm)
            guard bytes.count <= Self.greatestMessage else {
                throw KeyError(
                    .unsupported,
                    "a message of \(bytes.count) bytes; programs are given at most \(Self.greatestMessage)")
            }
            question["message"] = .string(Base64.encode(bytes))
        }
        let answer = try await Self.ask(program, "sign", question, timeLimit)
        guard let signature = answer["signature"]?.stringValue.flatMap({ try? Base64.decode($0) }) else {
            throw KeyError(.malformed, "\(program.program) gave no signature; it must be base64 text")
        }
        do {
            try publicKey.verify(signature, of: message, padding: padding)
        } catch {
            throw KeyError(
                .refused, "\(program.program) gave a signature that is not valid for its own public key: \(error)")
        }
        return signature
    }

    private static func ask(
        _ program: ExternalProgram, _ operation: String, _ more: JSONObject, _ timeLimit: Duration
    ) async throws(KeyError) -> JSON {
        var question: JSONObject = ["protocol": .string(protocolName), "operation": .string(operation)]
        question["key"] = program.key.map(JSON.string)
        for member in more { question[member.key] = member.value }
        let outcome: ChildProcess.Outcome
        do {
            outcome = try await ChildProcess.run(
                [program.program], input: JSON.object(question).bytes() + [UInt8(ascii: "\n")],
                outputLimit: greatestAnswer, timeLimit: timeLimit)
        } catch let error as HostError where error.code == .notFound {
            throw KeyError(.absent, "the program \(program.program) that should sign was not found; install it")
        } catch {
            throw KeyError(.unavailable, "\(program.program) can't be asked to \(operation): \(error)")
        }
        let name = program.program
        func reason() -> String {
            let line =
                outcome.errorText.split(separator: "\n").first.map { String($0.prefix(300)) } ?? "it said nothing"
            return line.safeForTerminal
        }
        switch outcome.status {
        case .exited(0): break
        case .exited(1): throw KeyError(.refused, "\(name) refused to \(operation): \(reason())")
        case .exited(2): throw KeyError(.absent, "\(name) has no such key, or is not set up: \(reason())")
        case .exited(let code):
            throw KeyError(.unavailable, "\(name) could not \(operation) (exit status \(code)): \(reason())")
        case .signalled(let signal):
            throw KeyError(.unavailable, "\(name) was ended by signal \(signal): \(reason())")
        case .timedOut: throw KeyError(.unavailable, "\(name) gave no answer within \(timeLimit)")
        }
        guard let answer = try? JSON(parsing: outcome.output, limits: JSONLimits(byteCount: greatestAnswer, depth: 8))
        else { throw KeyError(.malformed, "\(name) answered with something that is not JSON") }
        return answer
    }
}
