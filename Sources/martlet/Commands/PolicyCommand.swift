internal import ArgumentParser
internal import Attest
internal import Build
internal import Bytes
internal import Host
internal import Policy
internal import Reports
internal import Sigstore
internal import SystemPackage

struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Holds artifacts against policies, and says why.",
        discussion: "Example: martlet policy check release.yaml --artifact server.tar.gz",
        subcommands: [Check.self, Test.self, Explain.self, Evaluate.self, Review.self])
}

extension PolicyCommand {
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Says whether a policy allows an artifact, rule by rule.",
            discussion: """
                Example: martlet policy check release.yaml --artifact server.tar.gz --bundle server.intoto.jsonl

                The policy is martlet's own or a ClusterImagePolicy of Sigstore's policy-controller. Bundles are looked \
                for beside the artifact and inside it where none is named; those about its dependencies may be given, \
                too. With --write-vsa the verdict is written as a signed verification summary. Exit status: 0 allowed, \
                1 denied, 2 wrong usage or policy, 3 a file can't be read.
                """)

        @Argument(help: ArgumentHelp("The policy's file.", valueName: "policy"))
        var policy: String

        @Option(help: ArgumentHelp("A file, or a digest as sha256:HEX; repeatable.", valueName: "artifact"))
        var artifact: [String] = []

        @Option(help: ArgumentHelp("A file with bundles; repeatable.", valueName: "file"))
        var bundle: [String] = []

        @Option(
            name: .customLong("write-vsa"),
            help: ArgumentHelp("Writes the verdict there, as a signed summary.", valueName: "file"))
        var summary: String?

        @Option(help: ArgumentHelp("Who verifies, as a URI, for the summary.", valueName: "uri"))
        var verifierID: String?

        @Option(help: ArgumentHelp("What the summary calls the artifact. Default: its name.", valueName: "uri"))
        var resourceURI: String?

        @Flag(name: .shortAndLong, help: "Prints the rules that are met, too.")
        var verbose = false

        @Flag(help: "Prints the decisions as JSON.")
        var json = false

        @OptionGroup var signing: SigningArguments

        func run() async throws {
            guard !artifact.isEmpty || !bundle.isEmpty else {
                throw CommandError.usage("there is nothing to decide about; give --artifact or --bundle")
            }
            guard summary == nil || (verifierID != nil && artifact.count == 1) else {
                throw CommandError.usage(
                    "a summary is of one artifact by somebody; give one --artifact and --verifier-id URI")
            }
            let run = try PolicyRun(
                policyFiles: [policy], trustedRoot: try await Self.root(signing), now: try signing.trust.now())
            let targets: [String?] = artifact.isEmpty ? [nil] : artifact
            let results = try targets.map { try run.decide(artifact: $0, bundles: bundle) }
            if let summary, let verifierID, let result = results.first { try await write(result, verifierID, summary) }
            try PolicyRun.finish(results, json: json, verbose: verbose)
        }

        /// The trusted root: a file, else what `martlet trust` keeps; `nil` where neither is there.
        static func root(_ signing: SigningArguments) async throws -> TrustedRoot? {
            var arguments = try VerificationArguments.parse([])
            arguments.trustedRoot = signing.trustedRoot
            return try await arguments.readTrustedRoot(VerificationArguments.trustedRootVariable)
        }

        private func write(_ result: PolicyRun.Result, _ verifier: String, _ path: String) async throws {
            guard result.decisions.count == 1, let decision = result.decisions.first else {
                throw CommandError.usage("the file holds several policies; a summary is of one")
            }
            let inputs: [Evidence] = result.pool.evidence(about: decision.subject)
            let predicate = VerificationSummary(
                decision, verifier: verifier, version: MartletProgram.version,
                resource: resourceURI ?? decision.subject.name, inputs: inputs)
            let digests = decision.subject.digests.compactMap { MessageDigest(description: $0) }
            let subject = Subject(
                name: decision.subject.name,
                digest: Dictionary(
                    digests.map { ($0.algorithm.rawValue, $0.hex) }, uniquingKeysWith: { first, _ in first }))
            let statement = predicate.statement(about: [subject])
            let signed = try await signing.sign(.payload(type: ArtifactStatement.payloadType, statement.payload))
            try Files.write(signed.bytes, to: FilePath(path))
            Terminal(.standardError).say("\(path): \(signed.summary)")
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test",
            abstract: "Runs the cases that lie beside policies.",
            discussion: """
                Example: martlet policy test policies

                Cases are in files whose names end in .test.yaml. Exit status: 0 all as expected, 1 one is not, 2 wrong \
                usage or case.
                """)

        @Argument(help: ArgumentHelp("A directory, or one file of cases.", valueName: "path"))
        var path: String

        @Flag(help: "Prints the results as JSON.")
        var json = false

        func run() async throws {
            let place = FilePath(path)
            let isDirectory = try Files.status(place)?.kind == .directory
            let results = try isDirectory ? PolicyTest.run(in: place) : PolicyTest.run(file: place)
            if json {
                Output.write(.array(results.map(\.json)))
            } else {
                let screen = Terminal(.standardOutput)
                screen.say(DecisionText(ink: Ink(for: screen), showsAll: true).lines(results).joined(separator: "\n"))
            }
            guard results.allSatisfy(\.isPassed) else { throw ExitCode(1) }
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "explain",
            abstract: "Says in sentences what a policy asks for.",
            discussion: "Example: martlet policy explain release.yaml")

        @Argument(help: ArgumentHelp("The policy's file.", valueName: "policy"))
        var policy: String

        @Flag(help: "Prints the sentences as JSON.")
        var json = false

        func run() async throws {
            let policies = try ArtifactPolicy.read(FilePath(policy))
            if json {
                Output.write(
                    .array(
                        policies.map {
                            [
                                "name": .string($0.name), "digest": ["sha256": .string($0.digest.hex)],
                                "rules": .array($0.explanation.map(JSON.string)),
                            ]
                        }))
                return
            }
            let lines = policies.flatMap { ["\($0.name) (sha256:\($0.digest.hex))"] + $0.explanation.map { "  \($0)" } }
            Output.write(lines.map(\.safeForTerminal).joined(separator: "\n") + "\n")
        }
    }

    struct Evaluate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "evaluate",
            abstract: "Gives the value of an expression, as policies would.",
            discussion: """
                Example: martlet policy evaluate 'predicate.score > 5' --variables facts.json

                With --lines each line of standard input is {"expression": ..., "variables": {...}}, and each line of \
                output {"value": ...} or {"error": ...}.
                """)

        @Argument(help: "The expression.")
        var expression: String?

        @Option(help: ArgumentHelp("A JSON file with an object: names and values.", valueName: "file"))
        var variables: String?

        @Flag(help: "Answers many, as lines of JSON.")
        var lines = false

        func run() async throws {
            guard lines else {
                guard let expression else { throw CommandError.usage("give an expression, or --lines") }
                let known = try variables.map { try JSON(parsing: Files.read(FilePath($0), limit: 64 << 20)) } ?? [:]
                do {
                    Output.write(try Expression(expression).evaluate(Self.values(known)).json)
                } catch {
                    throw CommandError(message: error.description, status: error.code == .syntax ? 2 : 1)
                }
                return
            }
            while let line = readLine() {
                let question = try JSON(parsing: line)
                var answer: JSON
                do {
                    let value = try Expression(question["expression"]?.stringValue ?? "").evaluate(
                        Self.values(question["variables"] ?? [:]))
                    answer = ["value": value.json, "type": .string(value.typeName)]
                } catch {
                    answer = ["error": .string(error.description)]
                }
                Output.write(answer.text() + "\n")
            }
        }

        private static func values(_ json: JSON) -> [String: ExpressionValue] {
            var out: [String: ExpressionValue] = [:]
            for member in json.objectValue ?? [:] { out[member.key] = ExpressionValue(member.value) }
            return out
        }
    }
}
