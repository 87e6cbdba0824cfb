internal import ArgumentParser
internal import Bytes
internal import Host
internal import Policy
internal import Sigstore
internal import SystemPackage

extension PolicyCommand {
    struct Review: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "review",
            abstract: "Answers admission reviews of Kubernetes, as the webhook would.",
            discussion: """
                Example: martlet policy review release.yaml --bundle app.sigstore.json < review.json

                Each line of standard input is an AdmissionReview with a request, each line of output one with the \
                answer. Nothing is asked over a network. Exit status: 0 all allowed, 1 one is denied, 2 wrong usage or \
                review.
                """)

        @Argument(help: ArgumentHelp("The policy's file.", valueName: "policy"))
        var policy: String

        @Option(help: ArgumentHelp("A file with bundles; repeatable.", valueName: "file"))
        var bundle: [String] = []

        @Option(
            help: ArgumentHelp(
                "What becomes of images that no policy is about: deny, warn or allow.", valueName: "word"))
        var unmatched: AdmissionController.UnmatchedImages = .deny

        @Option(help: ArgumentHelp("A group that may break the glass; repeatable.", valueName: "group"))
        var breakGlassGroup: [String] = []

        @Flag(help: "Prints how many are allowed, instead of the answers.")
        var summary = false

        @Option(help: ArgumentHelp("The trusted root. Default: that of `martlet trust`.", valueName: "file"))
        var trustedRoot: String?

        func run() async throws {
            var arguments = try VerificationArguments.parse([])
            arguments.trustedRoot = trustedRoot
            let policies = try ArtifactPolicy.read(FilePath(policy))
            var controller = try AdmissionController(policies: policies)
            controller.unmatched = unmatched
            if !breakGlassGroup.isEmpty { controller.breakGlass = .init(groups: Set(breakGlassGroup)) }
            var collector = EvidenceCollector(
                policies,
                trustedRoot: try await arguments.readTrustedRoot(VerificationArguments.trustedRootVariable))
            for file in bundle { try collector.add(file: FilePath(file), artifact: nil) }
            let now = try TrustArguments.clock()
            var count = 0
            var allowed = 0
            while let line = readLine() {
                let request = try AdmissionRequest(parsing: Array(line.utf8))
                let outcome = controller.review(request, .validating, store: collector.pool, at: now)
                count += 1
                if outcome.isAllowed { allowed += 1 }
                if !summary { Output.write(outcome.review.text() + "\n") }
            }
            if summary { Output.write("\(allowed) of \(count) allowed\n") }
            guard allowed == count else { throw ExitCode(1) }
        }
    }
}

extension AdmissionController.UnmatchedImages: ExpressibleByArgument {}
