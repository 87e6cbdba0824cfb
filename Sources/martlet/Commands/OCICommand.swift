internal import ArgumentParser
internal import Bytes
internal import Host
internal import Registry
internal import Reports
internal import SystemPackage

struct OCICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "oci",
        abstract: "Fetches, copies and shows images and what is attached to them.",
        discussion: """
            Example: martlet oci fetch file registry.example/team/app:1.2 etc/os-release

            An image is a reference, docker://REFERENCE, oci:FOLDER[:TAG], oci-archive:FILE[:TAG] or \
            docker-archive:FILE[:NAME]. All that is read is checked against the digests by which it is named. Exit \
            status: 0 done, 1 there definitely is no such thing, or what came is not what its digest names, 2 wrong \
            usage or not supported, 3 the registry could not be asked, or refuses.
            """,
        subcommands: [
            Fetch.self, Layer.self, Resolve.self, Copy.self, Pull.self, Push.self, Tree.self, Attach.self, Tag.self,
            List.self, Diff.self,
        ])
}

extension OCICommand {
    struct Resolve: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resolve",
            abstract: "Finds out which digest a tag means.",
            discussion: "Example: martlet oci resolve name registry.example/team/app:1.2",
            subcommands: [Name.self, DescriptorCommand.self])

        struct Name: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "name",
                abstract: "Prints the reference with its digest.",
                discussion: "Example: martlet oci resolve name registry.example/team/app:1.2")

            @Argument(help: ArgumentHelp("The image.", valueName: "image")) var image: String

            @Flag(inversion: .prefixedNo, help: "Leaves out what docker adds to names.")
            var familiar = true

            @OptionGroup var registry: RegistryArguments

            func run() async throws {
                try await registry.withClient { client in
                    let image = try await OpenImage(image, client)
                    let descriptor = try await image.source.resolve(image.name)
                    guard let reference = image.address.reference else {
                        return Output.write("\(image.source.shown)@\(descriptor.digest)\n")
                    }
                    let digested = reference.with(digest: descriptor.digest)
                    Output.write((familiar ? digested.familiar : "\(digested)") + "\n")
                }
            }
        }

        struct DescriptorCommand: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "descriptor",
                abstract: "Prints type, digest and size of the manifest as JSON.",
                discussion:
                    "Example: martlet oci resolve descriptor registry.example/team/app:1.2 | martlet oci fetch raw "
                    + "registry.example/team/app --descriptor-from-stdin",
                aliases: ["desc"])

            @Argument(help: ArgumentHelp("The image.", valueName: "image")) var image: String
            @OptionGroup var registry: RegistryArguments

            func run() async throws {
                try await registry.withClient { client in
                    let image = try await OpenImage(image, client)
                    Output.write(try await image.source.resolve(image.name).json)
                }
            }
        }
    }

    struct Tag: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tag",
            abstract: "Gives an image in a registry or layout more tags.",
            discussion: "Example: martlet oci tag registry.example/team/app:1.2 1 latest")

        @Argument(help: ArgumentHelp("The image.", valueName: "image")) var image: String
        @Argument(help: ArgumentHelp("The tags.", valueName: "tag")) var tags: [String]
        @OptionGroup var registry: RegistryArguments

        func run() async throws {
            for tag in tags where !Reference.isTag(tag) {
                throw CommandError.usage("'\(tag)' can't be a tag; it has letters, digits, _, . and -")
            }
            try await registry.withClient { client in
                let image = try await OpenImage(image, client)
                guard let target = image.source as? any ImageTarget else {
                    throw CommandError.usage(
                        "\(image.source.shown) can't be changed; copy it to a layout or a registry")
                }
                let found = try await image.source.manifest(image.name)
                for tag in tags {
                    try await target.put(found.manifest, as: found.descriptor, tag: tag)
                    Output.write("\(tag) \(found.descriptor.digest)\n")
                }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls",
            abstract: "Lists the tags of a repository, layout or archive.",
            discussion: "Example: martlet oci ls registry.example/team/app")

        @Argument(help: ArgumentHelp("The repository, layout or archive.", valueName: "repository")) var place: String
        @Flag(help: "Prints the tags as JSON.") var json = false
        @OptionGroup var registry: RegistryArguments

        func run() async throws {
            try await registry.withClient { client in
                let tags = try await ImageAddress(place).source(client).tags()
                guard !json else { return Output.write(.array(tags.map { .string($0) })) }
                for tag in tags { Output.write("\(tag.safeForTerminal)\n") }
            }
        }
    }
}
