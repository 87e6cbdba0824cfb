package import Bytes

/// What martlet knows of one package's build, and the statement that says so.
///
/// This is the one writer of martlet's build type; `docs/formats/provenance.md` describes the result field by field.
package struct ProvenanceFacts: Sendable {
    /// Where the sources came from.
    package struct Source: Hashable, Sendable {
        /// The URL of the repository's origin; credentials are removed. `nil` where there is no remote.
        package var origin: String?
        /// The commit, in hexadecimal.
        package var commit: String
        /// A full name such as `refs/heads/main` or `refs/tags/v1`, where HEAD is on one.
        package var ref: String?
        /// The workspace's directory in the repository; empty at its root.
        package var directory: String

        package init(origin: String?, commit: String, ref: String? = nil, directory: String = "") {
            self.origin = origin
            self.commit = commit
            self.ref = ref
            self.directory = directory
        }
    }

    /// An input that differs from the commit.
    package struct ChangedInput: Hashable, Sendable {
        /// Relative to the workspace.
        package var path: String
        /// The SHA-256 of its bytes; `nil` for a file that was deleted.
        package var digest: Digest?
        /// In a word: `modified`, `untracked`, `ignored`, `deleted`, `mode`.
        package var reason: String

        package init(path: String, digest: Digest?, reason: String) {
            self.path = path
            self.digest = digest
            self.reason = reason
        }
    }

    /// Something that the build read beside its sources.
    package struct Resource: Hashable, Sendable {
        package var name: String?
        package var uri: String?
        package var digest: Digest?
        package var version: String?
        /// Of a package that Leeway built, the archive that it was unpacked from.
        package var archive: Digest?

        package init(name: String? = nil, uri: String? = nil, digest: Digest?, version: String? = nil) {
            self.name = name
            self.uri = uri
            self.digest = digest
            self.version = version
        }
    }

    /// A package that a lock file among the inputs names.
    package struct LockedPackage: Hashable, Sendable {
        /// A package URL.
        package var uri: String
        /// Algorithm to value; not empty.
        package var digest: [String: String]

        package init(uri: String, digest: [String: String]) {
            self.uri = uri
            self.digest = digest
        }
    }

    /// The program that builds.
    package struct Builder: Hashable, Sendable {
        package var version: String
        /// The SHA-256 of the martlet binary.
        package var digest: Digest

        package init(version: String, digest: Digest) {
            self.version = version
            self.digest = digest
        }
    }

    /// The build service that ran the build, and what it was asked for.
    package struct Service: Hashable, Sendable {
        /// The service's URI, which is the builder's in its statements.
        package var builderID: String
        /// The whole request of the client.
        package var request: JSON
        /// The name of the run, for everybody.
        package var invocationID: String
        /// Who asked.
        package var requester: String

        package init(builderID: String, request: JSON, invocationID: String, requester: String) {
            self.builderID = builderID
            self.request = request
            self.invocationID = invocationID
            self.requester = requester
        }
    }

    /// `nil` for builds that somebody ran on a machine of their own.
    package var service: Service?
    /// The artifact first, then every file in it.
    package var subjects: [Subject] = []
    /// The full name, `component:name`.
    package var packageName: String
    package var packageType: String
    package var variant: String?
    /// The build arguments; `redactor` is applied when the statement is made.
    package var arguments: [String: String] = [:]
    /// The effective configuration, after variants and substitution.
    package var configuration: JSON?
    package var actionKey: Digest
    /// For people who migrate; never trusted.
    package var leewayVersion: String?
    /// The environment manifest: name to value.
    package var environment: [String: String] = [:]
    /// Such as `linux/amd64`.
    package var platform: String?
    /// The word of the sandbox level, such as `full` or `off`.
    package var sandbox: String
    /// `built`, or where the result was found: `local`, `remote`.
    package var cacheOrigin: String = "built"
    package var source: Source?
    /// The digest of the input tree, and how many files it has.
    package var inputs: Digest
    package var inputCount: Int
    package var changedInputs: [ChangedInput] = []
    /// The artifacts of the packages that this one depends on; `name` is the full name.
    package var dependencies: [Resource] = []
    package var tools: [Resource] = []
    /// What the fetch step downloaded.
    package var fetched: [Resource] = []
    package var images: [Resource] = []
    package var locked: [LockedPackage] = []
    /// What the Debian packages of an image follow from, and they themselves, with their roles.
    package var archive: [ResourceDescriptor] = []
    package var builder: Builder
    package var log: Digest?
    package var metadata = Provenance.Metadata()
    package var redactor = Redactor()

    package init(
        packageName: String, packageType: String, actionKey: Digest, inputs: Digest, inputCount: Int, sandbox: String,
        builder: Builder
    ) {
        self.packageName = packageName
        self.packageType = packageType
        self.actionKey = actionKey
        self.inputs = inputs
        self.inputCount = inputCount
        self.sandbox = sandbox
        self.builder = builder
    }
}

/// The names that martlet's statements use; a public format.
package enum MartletBuild {
    /// The build type: the meaning of every field in `ProvenanceFacts.provenance`.
    package static let buildType = "https://martlet.dev/build/v1"
    /// The build type of artifacts that Leeway built and martlet unpacked; nothing of it is martlet's build.
    package static let importType = "https://martlet.dev/leeway-import/v1"
    /// What every builder identity of martlet begins with, before `:VERSION@sha256:DIGEST`.
    package static let builderName = "https://martlet.dev/builder"

    /// What a resolved dependency is to the build; the annotation `role`.
    package enum Role: String, Sendable, CaseIterable {
        /// The commit of the repository.
        case source
        /// The tree of all inputs.
        case inputs
        /// One input that differs from the commit.
        case changed
        /// The artifact of a package that this one depends on.
        case package
        case tool
        /// A file that the fetch step downloaded.
        case fetched
        /// A base image.
        case image
        /// A package that a lock file among the inputs names, with the digest that it gives.
        case locked
        /// The keys that a Debian archive's release must be signed by.
        case keyring
        /// The archive's signed release.
        case release
        /// A list of packages that the release names.
        case index
        /// A Debian package in an image.
        case debian
    }

    /// The identity of a martlet binary.
    package static func builderID(version: String, digest: Digest) -> String {
        "\(builderName):\(version)@\(digest)"
    }

    /// The URI of a package.
    package static func packageURI(_ name: String) -> String { "martlet:package/" + escape(name) }

    /// The URI of a file of the workspace.
    package static func inputURI(_ path: String) -> String { "martlet:input/" + escape(path) }

    /// Percent-encodes what can't stand in the path of a URI (RFC 3986, section 3.3).
    private static func escape(_ text: String) -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: out.append(byte)
            case _ where "-._~/:@!$&'()*+,;=".utf8.contains(byte): out.append(byte)
            default: out += "%\(Hex.encode([byte]).uppercased())".utf8
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
