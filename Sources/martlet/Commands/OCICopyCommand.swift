internal import ArgumentParser
internal import Bytes
internal import Host
internal import Registry
internal import Reports
internal import SystemPackage

/// What the commands that move images share.
struct CopyArguments: ParsableArguments {
    @Flag(help: "Copies what is about the image, too: signatures, attestations, and what is about those.")
    var withReferrers = false

    @Flag(name: .shortAndLong, help: "Shows no progress.") var quiet = false
    @Flag(help: "Prints the result as JSON.") var json = false
    @OptionGroup var platform: PlatformArguments
    @OptionGroup var registry: RegistryArguments

    /// Copies from one address to another, and prints what it is.
    func copy(_ from: String, to: ImageAddress) async throws {
        let display = TransferDisplay("copying", total: nil, screen: Terminal(.standardError), isQuiet: quiet)
        try await registry.withClient(progress: { display.add($0) }) { client in
            defer { display.finish() }
            let image = try await OpenImage(from, client)
            let (target, tag) = try to.target(client)
            let copy = ImageCopy(
                from: image.source, to: target, width: client.settings.width, withReferrers: withReferrers)
            let result = try await copy.run(image.name, tag: tag, platform: try platform.value)
            if let wanted = to.reference?.digest, wanted != result.descriptor.digest {
                throw CommandError.no("the image is \(result.descriptor.digest), not \(wanted)")
            }
            display.finish()
            if json {
                var object = result.descriptor.json.objectValue ?? [:]
                object["manifests"] = .integer(result.manifests)
                Output.write(.object(object))
            } else if !quiet {
                Output.write("\(target.shown)\(tag.map { ":\($0)" } ?? "") \(result.descriptor.digest)\n")
            }
        }
    }
}

extension OCICommand {
    struct Copy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "copy",
            abstract: "Copies an image between registries, layouts and archives, with all its platforms.",
            discussion: """
                Example: martlet oci copy registry.example/team/app:1.2 oci:app:1.2 --with-referrers

                The copy has the same digest. What the target has already is not moved again, and a copy that was broken \
                off goes on where it stopped, or for registries that forget what broke off (docker-registry), with the \
                content that was on its way.
                """)

        @Argument(help: ArgumentHelp("The image.", valueName: "source")) var source: String
        @Argument(help: ArgumentHelp("Where it goes.", valueName: "target")) var target: String
        @OptionGroup var copying: CopyArguments

        func run() async throws { try await copying.copy(source, to: try ImageAddress(target)) }
    }

    struct Pull: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pull",
            abstract: "Copies an image from a registry into a layout.",
            discussion: "Example: martlet oci pull registry.example/team/app:1.2 images")

        @Argument(help: ArgumentHelp("The image.", valueName: "image")) var image: String
        @Argument(help: ArgumentHelp("The layout's folder. Default: the image's last name.", valueName: "folder"))
        var folder: String?
        @OptionGroup var copying: CopyArguments

        func run() async throws {
            let reference = try Reference(image)
            let last = reference.repository.split(separator: "/").last.map(String.init) ?? "image"
            try await copying.copy(image, to: .layout(FilePath(folder ?? last), reference.tag.map { .tag($0) }))
        }
    }

    struct Push: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "push",
            abstract: "Copies an image from a layout or an archive into a registry.",
            discussion: "Example: martlet oci push images:1.2 registry.example/team/app:1.2")

        @Argument(
            help: ArgumentHelp(
                "The layout's folder, an archive of one, or an address as `oci copy` takes it.", valueName: "source"))
        var source: String
        @Argument(help: ArgumentHelp("Where it goes.", valueName: "image")) var image: String
        @OptionGroup var copying: CopyArguments

        func run() async throws {
            let known = ["oci:", "oci-archive:", "docker-archive:"].contains { source.hasPrefix($0) }
            let isFile = try !known && Files.status(FilePath(source))?.kind == .regular
            try await copying.copy(
                known ? source : (isFile ? "oci-archive:" : "oci:") + source, to: .registry(try Reference(image)))
        }
    }

    struct Layer: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "layer",
            abstract: "Shows the layers of an image.",
            discussion: "Example: martlet oci layer list registry.example/team/app:1.2",
            subcommands: [ListLayers.self, Size.self])
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "diff",
            abstract: "Says in which parts two images differ.",
            discussion: """
                Example: martlet oci diff registry.example/team/app:1.1 registry.example/team/app:1.2

                Exit status: 0 they are the same, 1 they differ.
                """)

        @Argument(help: ArgumentHelp("One image.", valueName: "image")) var first: String
        @Argument(help: ArgumentHelp("The other.", valueName: "image")) var second: String
        @OptionGroup var platform: PlatformArguments
        @OptionGroup var registry: RegistryArguments

        func run() async throws {
            let lines = try await registry.withClient { client in
                let left = try await OpenImage(first, client)
                let right = try await OpenImage(second, client)
                return try await ImageDifference(
                    left.source, left.name, right.source, right.name, platform: try platform.value
                ).lines
            }
            guard !lines.isEmpty else { return Output.write("the images are the same\n") }
            for line in lines { Output.write("\(line)\n") }
            throw ExitCode(1)
        }
    }
}

extension OCICommand.Layer {
    /// Which image's layers.
    struct Choice: ParsableArguments {
        @Argument(help: ArgumentHelp("The image.", valueName: "image")) var image: String

        @Option(help: ArgumentHelp("The manifest, where it is another one of the repository.", valueName: "digest"))
        var digest: String?

        @OptionGroup var platform: PlatformArguments
        @OptionGroup var registry: RegistryArguments

        func withImage<Result>(_ body: (any ImageSource, ImageManifest) async throws -> Result) async throws -> Result {
            try await registry.withClient { client in
                let address = try ImageAddress(image)
                let source = try address.source(client)
                let name: ManifestName
                if let digest {
                    guard let wanted = MessageDigest(description: digest) else {
                        throw CommandError.usage("--digest wants sha256:HEX, not \(digest)")
                    }
                    name = .digest(wanted)
                } else {
                    name = try await address.name(in: source)
                }
                return try await body(source, try await source.image(name, platform: try platform.value).manifest)
            }
        }
    }

    struct ListLayers: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Prints the layers' descriptors, from the lowest, or the digests of what is in them.",
            discussion: "Example: martlet oci layer list registry.example/team/app:1.2 --unpacked")

        @Flag(help: "Prints the digests of the layers' archives without compression.") var unpacked = false
        @Flag(help: "Prints one JSON document.") var json = false
        @OptionGroup var choice: Choice

        func run() async throws {
            let lines: [JSON] = try await choice.withImage { source, image in
                guard unpacked else { return image.layers.map(\.json) }
                let content = try await source.content(image.config, limit: ImageConfiguration.greatestByteCount)
                return try ImageConfiguration(parsing: content).diffIDs.map { .string("\($0)") }
            }
            guard !json else { return Output.write(.array(lines)) }
            for line in lines { Output.write((line.stringValue ?? line.text()) + "\n") }
        }
    }

    struct Size: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "size",
            abstract: "Prints how many bytes the layers have in the registry.",
            discussion: "Example: martlet oci layer size registry.example/team/app:1.2")

        @OptionGroup var choice: Choice

        func run() async throws {
            let size = try await choice.withImage { _, image in image.layers.reduce(0) { $0 + $1.size } }
            Output.write("\(size)\n")
        }
    }
}
