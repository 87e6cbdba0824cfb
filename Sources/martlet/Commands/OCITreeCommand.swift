internal import ArgumentParser
internal import Bytes
internal import Host
internal import Registry
internal import Reports
internal import Sigstore
internal import SystemPackage

extension OCICommand {
    struct Tree: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tree",
            abstract: "Shows an image, its platforms, and all that is attached to them.",
            discussion: "Example: martlet oci tree registry.example/team/app:1.2")

        @Argument(help: ArgumentHelp("The image.", valueName: "image")) var image: String
        @Flag(help: "Prints the tree as JSON.") var json = false
        @OptionGroup var registry: RegistryArguments

        func run() async throws {
            let tree = try await registry.withClient { client in
                let image = try await OpenImage(image, client)
                return try await AttachmentTree(image.name, in: image.source)
            }
            guard !json else { return Output.write(tree.json) }
            for line in tree.lines { Output.write("\(line)\n") }
        }
    }

    struct Attach: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "attach",
            abstract: "Puts a file beside an image: a bundle, a bill of materials, anything with a type.",
            discussion: """
                Example: martlet oci attach registry.example/team/app:1.2 app.sigstore.json

                It becomes a referrer of the image. Where the registry keeps no lists of referrers, the tag that clients \
                keep instead is changed so that nothing of others is lost. A Sigstore bundle needs no --type.
                """)

        @Argument(help: ArgumentHelp("The image.", valueName: "image")) var image: String
        @Argument(help: ArgumentHelp("The file.", valueName: "file")) var file: String

        @Option(
            name: [.customLong("type"), .customLong("artifact-type")],
            help: ArgumentHelp("The file's media type. Default: that of a Sigstore bundle.", valueName: "type"))
        var type: String?

        @Option(help: ArgumentHelp("An annotation; repeatable.", valueName: "key=text"))
        var annotation: [String] = []

        @OptionGroup var trust: TrustArguments
        @OptionGroup var registry: RegistryArguments

        func run() async throws {
            let bytes = try Files.read(FilePath(file), limit: Attachment.greatestByteCount)
            var content: AttachedContent
            if let type {
                guard let mediaType = MediaType(type) else { throw CommandError.usage("--type wants a media type") }
                content = AttachedContent(mediaType: mediaType, bytes: bytes)
                content.contentAnnotations["org.opencontainers.image.title"] = FilePath(file).lastComponent?.string
            } else {
                let bundle = try UnverifiedBundle(parsing: bytes)
                content = AttachedContent(
                    bundle: bytes, predicateType: bundle.claimedPredicateType, created: try trust.now())
            }
            for text in annotation {
                guard let equals = text.firstIndex(of: "=") else {
                    throw CommandError.usage("--annotation takes KEY=TEXT, not \(text)")
                }
                content.annotations[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            let put = try await registry.withClient { client in
                let image = try await OpenImage(image, client)
                guard let target = image.source as? any ImageTarget else {
                    throw CommandError.usage(
                        "\(image.source.shown) can't be changed; copy it to a layout or a registry")
                }
                return try await content.attach(to: try await image.source.resolve(image.name), in: target)
            }
            Output.write("\(put.digest)\n")
        }
    }
}
