internal import ArgumentParser
internal import Bytes
internal import Host
internal import Policy
internal import Registry
internal import Sigstore
internal import SystemPackage

struct SignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Signs files and images, and puts a bundle beside each.",
        discussion: """
            Example: martlet sign server.tar.gz --key release.key

            Without a key, an identity token says who signs, and the services of `martlet trust` vouch for it. The bundle \
            of FILE is FILE.sigstore.json; it has been verified before it is written. The bundle of an image is put \
            beside it in its registry or layout, as a referrer. An image names its registry, or is oci:FOLDER[:TAG].
            """)

    @Argument(help: ArgumentHelp("The files and images to sign.", valueName: "target"))
    var files: [String]

    @Option(help: ArgumentHelp("The bundle's file, where it is not to be beside its artifact.", valueName: "file"))
    var bundle: String?

    @Flag(help: "For images: writes cosign 2's tag .sig too.")
    var legacy = false

    @OptionGroup var signing: SigningArguments
    @OptionGroup var registry: RegistryArguments

    func validate() throws {
        if bundle != nil, files.count > 1 { throw ValidationError("--bundle goes with one file") }
    }

    func run() async throws {
        for file in files {
            if try !Files.exists(FilePath(file)), ImageAddress.isImage(file) {
                let images = ImageSigning(signing: signing, registry: registry, isLegacy: legacy)
                Output.write(try await images.attest(file, type: ImageSigning.signatureType, predicate: [:]))
                continue
            }
            let signed = try await signing.sign(.artifact(FileArtifact(FilePath(file))))
            let output = FilePath(bundle ?? file + UnverifiedBundle.fileSuffix)
            try Files.write(signed.bytes, to: output)
            Output.write("\(output): \(signed.summary)\n")
        }
    }
}

struct AttestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attest",
        abstract: "Signs a statement about files or an image: its provenance, its bill of materials, or anything else.",
        discussion: """
            Example: martlet attest server.tar.gz --predicate sbom.json --type spdxjson --key release.key

            Writes an in-toto statement in a signed envelope, as a bundle; that of an image is put beside it in its \
            registry or layout, as a referrer. Short names of types: \
            \(PredicateType.shortNames.joined(separator: ", ")).
            """)

    @Argument(help: ArgumentHelp("The files, or the image, that the statement is about.", valueName: "target"))
    var files: [String]

    @Option(help: ArgumentHelp("A JSON file with what is stated.", valueName: "file"))
    var predicate: String

    @Option(help: ArgumentHelp("What kind of statement it is: a URI or a short name.", valueName: "type"))
    var type: String

    @Option(
        help: ArgumentHelp("The bundle's file. Default: that of the first file, as .sigstore.json.", valueName: "file"))
    var bundle: String?

    @Flag(help: "For images: writes cosign 2's tag .att too.")
    var legacy = false

    @OptionGroup var signing: SigningArguments
    @OptionGroup var registry: RegistryArguments

    func run() async throws {
        guard let first = files.first else { throw CommandError.usage("name the files that the statement is about") }
        if try !Files.exists(FilePath(first)), ImageAddress.isImage(first) {
            guard files.count == 1 else { throw CommandError.usage("a statement is about one image, or about files") }
            let json = try ArtifactStatement.predicate(parsing: Files.read(FilePath(predicate), limit: 64 << 20))
            let images = ImageSigning(signing: signing, registry: registry, isLegacy: legacy)
            return Output.write(try await images.attest(first, type: PredicateType.uri(type), predicate: json))
        }
        let statement = try ArtifactStatement(
            artifacts: files.map { FilePath($0) }, predicateType: PredicateType.uri(type),
            predicate: Files.read(FilePath(predicate), limit: 64 << 20))
        let signed = try await signing.sign(statement.content)
        let output = FilePath(bundle ?? first + UnverifiedBundle.fileSuffix)
        try Files.write(signed.bytes, to: output)
        Output.write("\(output): \(signed.summary)\n")
    }
}

/// The conformance suite's command (sigstore-conformance, `docs/cli_protocol.md`).
struct SignBundleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign-bundle",
        abstract: "Signs a file as the Sigstore conformance suite asks.",
        discussion: """
            Example: martlet sign-bundle --identity-token TOKEN --bundle out.json --signing-config config.json FILE

            `martlet sign` is the command for people.
            """)

    @Flag(help: "Signs with the staging instance, which --trusted-root and --signing-config must then describe.")
    var staging = false

    @Flag(help: "The file is an in-toto statement, and is signed in an envelope.")
    var inToto = false

    @Option(help: ArgumentHelp("The bundle to write.", valueName: "file"))
    var bundle: String

    @OptionGroup var signing: SigningArguments

    @Argument(help: "What is signed.")
    var file: String

    func run() async throws {
        if staging, signing.trustedRoot == nil || signing.signingConfig == nil {
            throw CommandError.usage(
                "martlet does not carry the staging instance's root; give --trusted-root and --signing-config")
        }
        let content: SigningContent =
            if inToto {
                .payload(
                    type: ArtifactStatement.payloadType, try Files.read(FilePath(file), limit: 64 << 20))
            } else {
                .artifact(FileArtifact(FilePath(file)))
            }
        let signed = try await signing.sign(content)
        try Files.write(signed.bytes, to: FilePath(bundle))
    }
}
