internal import ArgumentParser
internal import Bytes
internal import Host
internal import Image
internal import SystemPackage

struct ImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image",
        abstract: "Builds minimal container images from Debian packages, bit for bit, without a daemon.",
        discussion: "Example: martlet image lock static.yaml",
        subcommands: [Lock.self, VerifyLock.self, Build.self, Test.self])
}

extension ImageCommand {
    struct Lock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lock",
            abstract: "Resolves an image's packages, and records them with the archive's signatures.",
            discussion: """
                Example: martlet image lock static.yaml

                Writes static.lock.json, which belongs beside the definition: builds use it and nothing else. The \
                archive's InRelease must be signed by the definition's keyring; indexes and packages follow from it by \
                their digests. docs/formats/image-definition.md describes the definition.
                """)

        @OptionGroup var image: ImageArguments

        @Flag(help: "Takes a release that is older than the one in the present lock.")
        var allowOlder = false

        @Flag(help: "Prints what was locked as JSON.")
        var json = false

        /// Tests, and people who lock what was true then.
        @Option(name: .customLong("at"), help: .hidden)
        var moment: String?

        func run() async throws {
            let definition = try image.load()
            let previous = try? image.lockIfPresent(of: definition)
            let time = try moment.map { text in
                guard let time = Timestamp(text) else { throw CommandError.usage("--at \(text) is no moment") }
                return Int(time.seconds)
            }
            let lock = try await image.withClient { client in
                let lock = try await Locker(client: client, time: time ?? Int(Clocks.nowNanoseconds() / 1_000_000_000))
                    .lock(definition, previous: previous, allowsOlder: allowOlder)
                try LockVerifier(client: client).remember(lock)
                return lock
            }
            if lock != previous { try Files.write(lock.bytes, to: definition.lockPath) }
            if json {
                Output.write(try JSON(parsing: lock.bytes))
            } else {
                for archive in lock.archives { Output.write(archive.summary) }
                Output.write(
                    "\(definition.lockPath): \(lock.allPackages.count) packages\(lock == previous ? ", unchanged" : "")\n"
                )
            }
        }
    }

    struct VerifyLock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify-lock",
            abstract: "Derives a lock's whole chain anew: keyring, signatures, indexes, packages.",
            discussion: """
                Example: martlet image verify-lock static.yaml --offline

                Everything that has been fetched before is in the cache, so no connection is needed.
                """)

        @OptionGroup var image: ImageArguments

        @Flag(help: "Prints what was checked as JSON.")
        var json = false

        func run() async throws {
            let definition = try image.load()
            let lock = try image.lock(of: definition)
            let report = try await image.withClient { client in
                try await LockVerifier(client: client).verify(lock, of: definition, includingPackages: true)
            }
            if json {
                Output.write(
                    [
                        "verified": true, "packages": .integer(report.packageCount),
                        "archives": .array(
                            report.archives.map { archive in
                                [
                                    "suite": .string(archive.suite), "release": .string(archive.release.description),
                                    "signers": .array(archive.signers.map { .string($0.fingerprint) }),
                                ]
                            }),
                    ])
            } else {
                for archive in report.archives { Output.write(archive.summary) }
                Output.write("\(definition.lockPath): verified, \(report.packageCount) packages\n")
            }
        }
    }
}

extension ImageLock.Archive {
    /// The release and who signed it, for people.
    fileprivate var summary: String {
        let names = signers.map { "  signed by \($0.fingerprint)\n" }.joined()
        let time = Timestamp(seconds: Int64(date)).map { " of \($0)" } ?? ""
        return "\(suite)\(time): \(release)\n\(names)"
    }
}
