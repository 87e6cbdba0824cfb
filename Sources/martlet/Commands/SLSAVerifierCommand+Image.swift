internal import ArgumentParser
internal import Bytes
internal import Host
internal import Keys
internal import Policy
internal import Registry
internal import Reports
internal import SystemPackage

extension SLSAVerifierCommand {
    struct VerifyImage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify-image", abstract: "Verifies an image that a trusted builder made.",
            discussion: """
                Example: martlet slsa-verifier verify-image ghcr.io/acme/app@sha256:HEX --source-uri github.com/acme/app

                The image may be in a folder that `cosign save` made: FOLDER@sha256:HEX. Google Cloud Build's provenance \
                is what `gcloud artifacts docker images describe --show-provenance --format json` prints; the keys are \
                files with the names REGION.key, global-pae-google-hosted-worker_1.key and \
                global-pae-provenanceSigner_1.key, as `gcloud kms keys versions get-public-key` gives them.
                """)

        @Argument(help: ArgumentHelp("The image by digest.", valueName: "image"))
        var image: String

        @Option(
            help: ArgumentHelp(
                "The file with the provenance. Default: what is attached to the image.", valueName: "file"))
        var provenancePath: String?

        @Option(
            help: ArgumentHelp(
                "The repository with what is attached. Default: the image's own.", valueName: "repository"))
        var provenanceRepository: String?

        @Option(help: ArgumentHelp("A folder with Google Cloud Build's public keys in PEM.", valueName: "folder"))
        var builderKeys: String?

        @OptionGroup var source: Source
        @OptionGroup var reference: Reference
        @OptionGroup var registry: RegistryArguments

        func run() async throws {
            var options = try source.options()
            reference.add(to: &options)
            let run = SLSAVerifierRun(.image, options)
            let verified = try await SLSAVerifierCommand.check("image \(image)") {
                let name = try digest()
                if try run.isForCloudBuild { return try verifyCloudBuild(run, name) }
                let trust = try await source.trust()
                if let provenancePath {
                    return try run.verify(FilePath(provenancePath), digest: name.hex, trust: trust)
                }
                if let layout = try layout() { return try await run.verify(image: name, in: layout, trust: trust) }
                let repository = provenanceRepository ?? String(image.prefix { $0 != "@" })
                return try await registry.withClient { client in
                    let opened = try await OpenImage("\(repository)@\(name)", client)
                    return try await run.verify(image: name, in: opened.source, trust: trust)
                }
            }
            if reference.printProvenance { SLSAVerifierCommand.write(verified.payload) }
            SLSAVerifierCommand.pass()
        }

        /// The digest that the image is called by: a tag could mean another one tomorrow.
        private func digest() throws -> MessageDigest {
            let text = image.lastIndex(of: "@").map { String(image[image.index(after: $0)...]) }
            guard let text, let digest = MessageDigest(description: text), digest.algorithm == .sha256 else {
                throw SLSAVerifierError(.mutableImage, "\(image); name it as NAME@sha256:HEX")
            }
            return digest
        }

        /// The folder that the image is in; `nil` where the name is that of a registry.
        private func layout() throws -> OCILayout? {
            let path = FilePath(String(image.prefix { $0 != "@" }))
            guard provenanceRepository == nil, try Files.exists(path.appending("index.json")) else { return nil }
            return try OCILayout(opening: path)
        }

        private func verifyCloudBuild(
            _ run: SLSAVerifierRun, _ digest: MessageDigest
        ) throws -> SLSAVerifierRun.Verified {
            guard let provenancePath else {
                throw SLSAVerifierError(.invalidDSSEPayload, "give the provenance with --provenance-path")
            }
            guard let builderKeys else {
                throw CommandError.usage(
                    "Google Cloud Build's keys are not known; give them with --builder-keys FOLDER")
            }
            var keys: [String: PublicKey] = [:]
            for name in try Files.list(FilePath(builderKeys)) {
                guard let file = FilePath.Component(name), ["key", "pem", "pub"].contains(file.extension) else {
                    continue
                }
                keys[file.stem] = try PublicKey(
                    pem: Files.read(FilePath(builderKeys).appending(file), limit: 64 << 10))
            }
            return try run.verifyCloudBuild(
                Files.read(FilePath(provenancePath), limit: 64 << 20), digest: digest.hex,
                keys: CloudBuildProvenance.KeyRing(keys))
        }
    }
}
