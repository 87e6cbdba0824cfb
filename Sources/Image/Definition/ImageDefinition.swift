package import Bytes
package import SystemPackage

/// What an image is to be: the YAML file that people write (docs/formats/image-definition.md).
package struct ImageDefinition: Sendable {
    /// Where packages come from.
    package struct Archive: Hashable, Sendable {
        /// `http://`, `https://` or `file:`, without a slash at the end.
        package var uri: String
        /// As it stands in the definition: a relative directory stays one.
        package var uriText: String
        package var suite: String
        package var components: [String]
        /// The keyring's file.
        package var keyring: FilePath
        /// As it stands in the definition.
        package var keyringText: String
    }

    /// A package by name, and by version where that is said.
    package struct Wish: Hashable, Sendable {
        package var name: String
        package var version: String?

        package var text: String { version.map { "\(name)=\($0)" } ?? name }
    }

    package struct User: Hashable, Sendable {
        package var name: String
        package var id: Int
        package var groupID: Int
        package var home: String
        package var shell: String
    }

    package struct Group: Hashable, Sendable {
        package var name: String
        package var id: Int
        package var members: [String] = []
    }

    /// A file, directory or link that no package has.
    ///
    /// A source that is a directory stands for all that is in it.
    package struct File: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            case content([UInt8])
            case source(FilePath)
            case directory
            case link(String)
        }

        /// Relative to the root of the image.
        package var path: String
        package var kind: Kind
        /// `nil` for a source's own: 0755 for what can be run, else 0644.
        package var mode: UInt16?
        package var owner: Int
        package var group: Int
    }

    /// What of an image's configuration a definition or a variant says.
    package struct Settings: Hashable, Sendable {
        package var user: String?
        package var workingDirectory: String?
        package var entryPoint: [String]?
        package var command: [String]?
        package var environment: [String: String] = [:]
        package var labels: [String: String] = [:]
        package var exposedPorts: [String] = []
        package var volumes: [String] = []
        package var stopSignal: String?
    }

    /// The image with something more or something else.
    package struct Variant: Hashable, Sendable {
        package var name: String
        package var packages: [Wish] = []
        package var files: [File] = []
        package var settings = Settings()
    }

    /// The file that was read.
    package var path: FilePath
    package var name: String
    package var archives: [Archive] = []
    /// In OCI's words: `amd64`, `arm64`.
    package var architectures: [String] = []
    package var packages: [Wish] = []
    /// Whether what packages depend on comes along. Off by default, as in distroless: the list is exact.
    package var resolvesTransitively = false
    /// Whether `/bin`, `/lib` and `/sbin` are links to `/usr`; `nil` to go by the release.
    package var hasMergedUsr: Bool?
    /// Whether the image gets the eight fixed layers of a minimal root.
    package var hasFixedLayers = true
    /// Whether `/etc/ssl/certs/ca-certificates.crt` is made, from the package `ca-certificates`.
    package var hasCertificates = true
    package var users: [User] = Self.usualUsers
    package var groups: [Group] = Self.usualGroups
    package var osRelease: [String: String] = [:]
    package var files: [File] = []
    package var settings = Settings()
    package var annotations: [String: String] = [:]
    /// By name; the image without a variant is not among them.
    package var variants: [Variant] = []
    /// Files that come last in every variant, each in a layer of its own. No YAML names them: whoever has an image built
    /// adds them.
    package var attachments: [File] = []

    /// Whether packages are needed, and with them a lock.
    package var needsLock: Bool { !archives.isEmpty || !packages.isEmpty || variants.contains { !$0.packages.isEmpty } }

    /// A regular file of root's, of this content.
    package static func attachment(_ path: String, _ content: [UInt8]) -> File {
        File(path: path, kind: .content(content), mode: 0o644, owner: 0, group: 0)
    }

    package static let usualUsers = [
        User(name: "root", id: 0, groupID: 0, home: "/root", shell: "/sbin/nologin"),
        User(name: "nobody", id: 65534, groupID: 65534, home: "/nonexistent", shell: "/sbin/nologin"),
        User(name: "nonroot", id: 65532, groupID: 65532, home: "/home/nonroot", shell: "/sbin/nologin"),
    ]
    package static let usualGroups = [
        Group(name: "root", id: 0), Group(name: "nobody", id: 65534), Group(name: "tty", id: 5),
        Group(name: "staff", id: 50), Group(name: "nonroot", id: 65532),
    ]

    /// The lock's file: beside the definition, `static.lock.json` for `static.yaml`.
    package var lockPath: FilePath {
        let name = path.lastComponent?.string ?? "image.yaml"
        let stem = name.hasSuffix(".yaml") ? name.dropLast(5) : name.hasSuffix(".yml") ? name.dropLast(4) : name[...]
        return path.removingLastComponent().appending("\(stem).lock.json")
    }

    /// All packages that the lock must have beyond those of the image: certificates are made from one.
    package static let certificatePackage = "ca-certificates"

    /// The digest of all that decides which packages the lock holds. A lock of another digest is stale.
    package var lockInputs: Digest {
        func wishes(_ packages: [Wish]) -> JSON { .array(packages.map { .string($0.text) }) }
        let json: JSON = [
            "archives": .array(
                archives.map { archive in
                    [
                        "uri": .string(archive.uriText), "suite": .string(archive.suite),
                        "components": .array(archive.components.map(JSON.string)),
                        "keyring": .string(archive.keyringText),
                    ]
                }),
            "architectures": .array(architectures.map(JSON.string)), "packages": wishes(packages),
            "variants": .array(
                variants.filter { !$0.packages.isEmpty }.map {
                    ["name": .string($0.name), "packages": wishes($0.packages)]
                }),
            "transitive": .bool(resolvesTransitively), "certificates": .bool(hasCertificates && hasFixedLayers),
        ]
        return Digest.of(json.canonical())
    }
}

/// An architecture in OCI's words and in Debian's.
package enum Architecture {
    private static let debianNames = [
        "amd64": "amd64", "arm64": "arm64", "arm": "armhf", "386": "i386", "ppc64le": "ppc64el", "s390x": "s390x",
        "riscv64": "riscv64",
    ]

    /// OCI's words for those that images can be built for.
    package static let known = debianNames.keys.sorted()

    /// Debian's word.
    package static func debianName(of name: String) -> String? { debianNames[name] }

    /// OCI's `variant`, where there is one.
    package static func variant(of name: String) -> String? { name == "arm" ? "v7" : name == "arm64" ? "v8" : nil }
}
