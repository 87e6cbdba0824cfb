internal import ArgumentParser
internal import Attest
internal import Build
internal import Bytes
internal import Host
internal import Image
internal import Inventory
internal import Registry
internal import SystemPackage

extension LayerCompression: ExpressibleByArgument {}

extension ImageCommand {
    struct Build: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "build",
            abstract: "Builds an image from its lock, for every architecture, byte for byte the same everywhere.",
            discussion: """
                Example: martlet image build static.yaml --output oci:out

                Builds all variants and architectures of the definition unless told otherwise. The lock must be of this \
                definition, and follow from the archive's signatures. $SOURCE_DATE_EPOCH sets the time that images say \
                they were made at; without it, it is the start of 1970.
                """)

        @OptionGroup var image: ImageArguments

        @Option(
            help: ArgumentHelp(
                "Where images go: oci:DIR or oci-archive:FILE, with :TAG for one image.", valueName: "place"))
        var output: String?

        @Option(
            help: ArgumentHelp(
                "Pushes images to a repository of a registry, with :TAG for one image.", valueName: "reference"))
        var push: String?

        @Option(help: ArgumentHelp("Only this architecture. Repeatable.", valueName: "name"))
        var architecture: [String] = []

        @Option(
            help: ArgumentHelp("Only this variant; latest is the one without a name. Repeatable.", valueName: "name"))
        var variant: [String] = []

        @Option(help: "How layers are packed.")
        var compression: LayerCompression = .gzip

        @Flag(help: "Says in each image where its files are, so that one can be fetched with a few kilobytes.")
        var pathIndex = false

        @Option(
            help: ArgumentHelp(
                "Attaches a bill of materials to each image: spdx, spdx3, cyclonedx or cyclonedx-1.5. Repeatable.",
                valueName: "format"))
        var sbom: [String] = []

        @Option(
            help: ArgumentHelp(
                "A file for the statement of provenance, to be signed with `martlet attest` or as it is.",
                valueName: "file"))
        var provenance: String?

        @Option(name: .shortAndLong, help: ArgumentHelp("As many layers are made at a time.", valueName: "count"))
        var jobs: Int?

        @OptionGroup var registry: RegistryArguments

        @Flag(help: "Prints what was built as JSON.")
        var json = false

        func validate() throws {
            if let jobs, jobs < 1 { throw ValidationError("-j wants a number from 1 on") }
        }

        func run() async throws {
            guard output != nil || push != nil else {
                throw CommandError.usage("nobody says where images go; give --output, --push, or both")
            }
            let place = try output.map { try ImagePlace($0) }
            let reference = try push.map { try Reference($0) }
            let formats = try sbom.map { name in
                guard let format = BillFormat(rawValue: name) else {
                    throw CommandError.usage(
                        "--sbom \(name) is not known; spdx, spdx3, cyclonedx and cyclonedx-1.5 are")
                }
                return format
            }
            let definition = try image.load()
            let lock = try image.lock(of: definition)
            let created = try Self.created()
            let sets = try await image.withClient { client in
                var builder = try ImageBuilder(
                    definition, lock: lock, client: client, compression: compression, created: created, width: jobs)
                builder.indexesPaths = pathIndex
                let sets = try await builder.build(
                    variants: variant.isEmpty ? nil : variant.map { $0 == "latest" ? "" : $0 },
                    architectures: architecture.isEmpty ? nil : architecture)
                guard (place?.tag == nil && reference?.tag == nil) || sets.count == 1 else {
                    throw CommandError.usage(
                        "a tag is for one image, and \(sets.count) variants are built; give --variant")
                }
                let publisher = ImagePublisher(client: client)
                let metadata = BillMetadata(created: created, version: MartletProgram.version)
                if let place {
                    let target = try place.target()
                    try await publisher.publish(sets, to: target, tag: place.tag, bills: formats, metadata)
                    try await target.finish()
                }
                if let reference {
                    try await registry.withClient { client in
                        try await publisher.publish(
                            sets, to: client.repository(reference), tag: reference.tag, bills: formats, metadata)
                    }
                }
                return sets
            }
            if let provenance { try write(provenance, definition, lock, created, sets) }
            show(sets, tag: place?.tag ?? reference?.tag)
        }

        private static func created() throws -> Timestamp {
            let text = ProcessEnvironment.variables["SOURCE_DATE_EPOCH"] ?? ""
            guard let created = Timestamp(seconds: text.isEmpty ? 0 : Int64(text) ?? .min) else {
                throw CommandError.usage("SOURCE_DATE_EPOCH is no number of seconds since 1970")
            }
            return created
        }

        private func write(
            _ file: String, _ definition: ImageDefinition, _ lock: ImageLock, _ created: Timestamp, _ sets: [ImageSet]
        ) throws {
            var facts = ImageProvenance(
                definition: definition, definitionDigest: try Files.digest(of: definition.path).digest, lock: lock,
                compression: compression, created: created,
                builder: ProvenanceFacts.Builder(
                    version: MartletProgram.version, digest: try Files.digest(of: "/proc/self/exe").digest)
            )
            facts.indexesPaths = pathIndex
            let statement = facts.statement(sets)
            try Files.write(statement.payload, to: FilePath(file))
        }

        private func show(_ sets: [ImageSet], tag: String?) {
            if json {
                Output.write(
                    [
                        "images": .array(
                            sets.map { set in
                                [
                                    "tag": .string(tag ?? set.tag), "digest": .string("\(set.descriptor.digest)"),
                                    "platforms": .array(
                                        set.images.map { image in
                                            [
                                                "platform": .string("\(image.platform)"),
                                                "digest": .string("\(image.manifest.descriptor.digest)"),
                                                "layers": .integer(image.manifest.layers.count),
                                            ]
                                        }),
                                ]
                            })
                    ])
                return
            }
            for set in sets {
                for place in [output, push].compactMap(\.self) {
                    let name = tag != nil && place.hasSuffix(":\(tag ?? "")") ? place : "\(place):\(tag ?? set.tag)"
                    Output.write("\(set.descriptor.digest)  \(name)\n")
                }
            }
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test",
            abstract: "Runs container structure tests on an image, without a daemon.",
            discussion: """
                Example: martlet image test oci:out:latest --config tests.yaml

                Files are looked at in the layers, commands run in a sandbox on a copy of them. Exit status 1 says that a \
                check failed; 3 that some could not be made, as commands of another architecture can't.
                """)

        @Argument(help: ArgumentHelp("The image: oci:DIR[:TAG] or oci-archive:FILE[:TAG].", valueName: "image"))
        var image: String

        @Option(help: ArgumentHelp("A file of container structure tests. Repeatable.", valueName: "file"))
        var config: [String]

        @Option(
            help: ArgumentHelp(
                "Which image of an index: OS/ARCHITECTURE. Default: this machine's.", valueName: "platform"))
        var platform: String?

        @Flag(help: "Prints every check as JSON.")
        var json = false

        func run() async throws {
            let tests = try config.map { try StructureTests(FilePath($0)) }
            let wanted = try Platform(platform ?? "linux/\(Machine.architecture)")
            let (source, manifest) = try await ImagePlace(image).image(platform: wanted)
            let configuration = try ImageConfiguration(
                parsing: await source.content(manifest.config, limit: ImageConfiguration.greatestByteCount))
            let scratch = try Files.temporaryDirectory(
                in: FilePath(ProcessEnvironment.variables["TMPDIR"] ?? "/tmp"), prefix: "martlet-image-test-")
            defer { try? Files.removeTree(scratch) }
            let runner = StructureTestRunner(
                tree: try await ImageTree(manifest, from: source), configuration: configuration, scratch: scratch)
            var results: [(file: String, outcome: StructureTestRunner.Outcome)] = []
            for file in tests { for outcome in try await runner.run(file) { results.append((file.name, outcome)) } }
            let failed = results.filter { if case .failed = $0.outcome.verdict { true } else { false } }.count
            let skipped = results.filter { if case .skipped = $0.outcome.verdict { true } else { false } }.count
            show(results, failed: failed, skipped: skipped)
            if failed > 0 { throw ExitCode(1) }
            if skipped > 0 { throw ExitCode(3) }
        }

        private func show(
            _ results: [(file: String, outcome: StructureTestRunner.Outcome)], failed: Int, skipped: Int
        ) {
            var list: [JSON] = []
            for (file, outcome) in results {
                let (word, reasons): (String, [String]) =
                    switch outcome.verdict {
                    case .passed: ("passed", [])
                    case .failed(let reasons): ("failed", reasons)
                    case .skipped(let reason): ("skipped", [reason])
                    }
                list.append(
                    [
                        "file": .string(file), "name": .string(outcome.name), "verdict": .string(word),
                        "reasons": .array(reasons.map(JSON.string)),
                    ])
                guard !json else { continue }
                Output.write("\(word)  \(outcome.name.safeForTerminal)\n")
                for reason in reasons { Output.write("    \(reason.safeForTerminal)\n") }
            }
            if json {
                Output.write(["checks": .array(list), "failed": .integer(failed), "skipped": .integer(skipped)])
            } else {
                Output.write("\(results.count) checks, \(failed) failed, \(skipped) skipped\n")
            }
        }
    }
}
