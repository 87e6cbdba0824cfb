internal import ArgumentParser
internal import Bytes
internal import Host
internal import Registry
internal import Reports
internal import SystemPackage

extension OCICommand {
    struct Fetch: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fetch",
            abstract: "Fetches parts of an image, checked.",
            discussion: "Example: martlet oci fetch file registry.example/team/app:1.2 app/provenance-bundle.jsonl",
            subcommands: [Raw.self, ManifestCommand.self, Image.self, LayerCommand.self, File.self])
    }
}

extension OCICommand.Fetch {
    struct Raw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "raw",
            abstract: "Prints the exact bytes of a manifest, an index or a blob.",
            discussion: "Example: martlet oci fetch raw registry.example/team/app:1.2")

        @Argument(help: ArgumentHelp("The image.", valueName: "image")) var image: String

        @Option(help: ArgumentHelp("What is fetched, where it is not the image's manifest.", valueName: "digest"))
        var digest: String?

        @Option(
            help: ArgumentHelp("The type of what --digest names. Default: a blob's.", valueName: "type"))
        var mediaType: String?

        @Flag(help: "Fetches what the descriptor on standard input names.")
        var descriptorFromStdin = false

        @OptionGroup var registry: RegistryArguments

        func validate() throws {
            if descriptorFromStdin, digest != nil { throw ValidationError("give --digest or --descriptor-from-stdin") }
        }

        func run() async throws {
            try await registry.withClient { client in
                let address = try ImageAddress(image)
                let source = try address.source(client)
                if descriptorFromStdin {
                    let input = try Files.readStream("/dev/stdin", limit: 1 << 20)
                    return try await print(try Descriptor(parsing: input), source)
                }
                guard let digest else {
                    let found = try await source.manifest(try await address.name(in: source))
                    return try Output.write(bytes: found.manifest.bytes)
                }
                guard let wanted = MessageDigest(description: digest) else {
                    throw CommandError.usage("--digest wants sha256:HEX, not \(digest)")
                }
                guard let type = MediaType(mediaType ?? "application/octet-stream") else {
                    throw CommandError.usage("--media-type wants a media type")
                }
                if type.isManifest {
                    return try Output.write(bytes: try await source.manifest(.digest(wanted)).manifest.bytes)
                }
                try Output.write(bytes: try await source.whole(wanted))
            }
        }

        private func print(_ descriptor: Descriptor, _ source: any ImageSource) async throws {
            if descriptor.mediaType.isManifest {
                return try Output.write(bytes: try await source.manifest(descriptor).manifest.bytes)
            }
            var stream = try await source.blob(descriptor)
            while let piece = try await stream.next() { try Output.write(bytes: piece) }
        }
    }

    struct ManifestCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "manifest",
            abstract: "Prints the exact bytes of an image's manifest.",
            discussion: "Example: martlet oci fetch manifest registry.example/team/app:1.2 --platform linux/amd64")

        @Argument(help: ArgumentHelp("The image.", valueName: "image")) var image: String
        @OptionGroup var platform: PlatformArguments
        @OptionGroup var registry: RegistryArguments

        func run() async throws {
            try await registry.withClient { client in
                let image = try await OpenImage(image, client)
                let found = try await image.source.image(image.name, platform: try platform.value)
                try Output.write(bytes: found.manifest.bytes)
            }
        }
    }

    struct Image: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "image",
            abstract: "Prints the exact bytes of an image's configuration.",
            discussion: "Example: martlet oci fetch image registry.example/team/app:1.2 | jq .config.Entrypoint")

        @Argument(help: ArgumentHelp("The image.", valueName: "image")) var image: String
        @OptionGroup var platform: PlatformArguments
        @OptionGroup var registry: RegistryArguments

        func run() async throws {
            try await registry.withClient { client in
                let image = try await OpenImage(image, client)
                let found = try await image.source.image(image.name, platform: try platform.value)
                let content = try await image.source.content(
                    found.manifest.config, limit: ImageConfiguration.greatestByteCount)
                try Output.write(bytes: content)
            }
        }
    }

    struct LayerCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "layer",
            abstract: "Downloads one layer as it is in the registry.",
            discussion: "Example: martlet oci fetch layer registry.example/team/app:1.2 --position last")

        @Argument(help: ArgumentHelp("The image.", valueName: "image")) var image: String

        @Option(
            name: .shortAndLong,
            help: ArgumentHelp("first, last, a number from 0, or from -1 backwards.", valueName: "position"))
        var position: String

        @Option(
            name: .shortAndLong,
            help: ArgumentHelp(
                "Where it is written. Default: its digest, and .tar.gz or what it is.", valueName: "file"))
        var output: String?

        @Flag(name: .shortAndLong, help: "Shows no progress.") var quiet = false
        @OptionGroup var platform: PlatformArguments
        @OptionGroup var registry: RegistryArguments

        func run() async throws {
            let position = try LayerPosition(position)
            let display = TransferDisplay("layer", total: nil, screen: Terminal(.standardError), isQuiet: quiet)
            try await registry.withClient(progress: { display.add($0) }) { client in
                defer { display.finish() }
                let image = try await OpenImage(image, client)
                let found = try await image.source.image(image.name, platform: try platform.value)
                let layer = try position.layer(of: found.manifest)
                let target = FilePath(output ?? layer.digest.hex + layer.fileSuffix)
                try await image.source.download(layer, to: target)
                display.finish()
                if !quiet { Output.write("\(target)\n") }
            }
        }
    }

    struct File: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "file",
            abstract: "Fetches one file of an image, as a container would see it.",
            discussion: """
                Example: martlet oci fetch file registry.example/team/app:1.2 app/provenance-bundle.jsonl

                Layers are read from the top, and none below the one that has the file; layers with a table of contents \
                (eStargz, zstd:chunked) only in part. Deletions, links and every spelling of the path are followed. \
                Nothing is given out before it has been checked. Of an index without --platform, the image for this \
                machine is read.
                """)

        @Argument(help: ArgumentHelp("The image.", valueName: "image")) var image: String
        @Argument(help: ArgumentHelp("The file: etc/passwd, ./etc/passwd or /etc/passwd.", valueName: "path"))
        var path: String

        @Option(
            name: .shortAndLong,
            help: ArgumentHelp("Where it is written; - for standard output. Default: its name.", valueName: "file"))
        var output: String?

        @Flag(
            help:
                "Takes the file as soon as it is there, without reading the rest of its layer and so without checking it."
        )
        var unchecked = false

        @Flag(name: .shortAndLong, help: "Shows no progress.") var quiet = false
        @OptionGroup var platform: PlatformArguments
        @OptionGroup var registry: RegistryArguments

        func run() async throws {
            let name = path.split(separator: "/").last.map(String.init) ?? ""
            guard !name.isEmpty, name != ".", name != ".." else { throw CommandError.usage("'\(path)' names no file") }
            let display = TransferDisplay(name, total: nil, screen: Terminal(.standardError), isQuiet: quiet)
            try await registry.withClient(progress: { display.add($0) }) { client in
                defer { display.finish() }
                let image = try await OpenImage(image, client)
                let found = try await image.source.image(
                    image.name, platform: try platform.value,
                    usual: Platform(os: Machine.operatingSystem, architecture: Machine.architecture))
                let files = ImageFiles(found.manifest, from: image.source, stopsEarly: unchecked)
                if unchecked {
                    Terminal(.standardError).say(
                        "martlet: the layer is not read to its end, so its digest is not checked")
                }
                if output == "-" {
                    let directory = try Files.temporaryDirectory(in: "/tmp", prefix: "martlet-file-")
                    defer { try? Files.removeTree(directory) }
                    _ = try await files.write(path, to: directory.appending("file"))
                    display.finish()
                    return try Output.write(file: directory.appending("file"))
                }
                _ = try await files.write(path, to: FilePath(output ?? name))
                display.finish()
                if !quiet { Output.write("\(output ?? name)\n") }
            }
        }
    }
}
