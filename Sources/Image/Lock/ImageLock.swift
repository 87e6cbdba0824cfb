package import Bytes

/// What an image is built from, exactly: the packages, and the chain of signatures and digests that leads to each
/// (docs/formats/image-lock.md).
package struct ImageLock: Hashable, Sendable {
    package struct Signer: Hashable, Sendable {
        /// 40 hexadecimal digits in upper case, of the key that signed and of its primary key.
        package var fingerprint: String
        package var primaryFingerprint: String
    }

    /// A `Packages` index that the signed release lists.
    package struct Index: Hashable, Sendable {
        /// Below the directory of the release: `main/binary-amd64/Packages.xz`.
        package var path: String
        package var digest: Digest
        package var size: Int
    }

    /// A signed release.
    package struct Archive: Hashable, Sendable {
        package var uri: String
        package var suite: String
        package var codename: String?
        /// Seconds since 1970, as the release says.
        package var date: Int
        package var keyring: Digest
        package var release: Digest
        package var releaseSize: Int
        package var signers: [Signer]
        package var indexes: [Index]
    }

    package struct Package: Hashable, Sendable {
        package var name: String
        package var version: String
        /// Debian's: `all` or an architecture.
        package var architecture: String
        package var digest: Digest
        package var size: Int
        package var filename: String
        package var source: String
        /// The position of its archive, and of the index among that archive's.
        package var archive: Int
        package var index: Int
    }

    /// The packages of one image, in the order of its layers.
    package struct Selection: Hashable, Sendable {
        /// Empty for the image without a variant.
        package var variant: String
        /// OCI's word.
        package var architecture: String
        /// Those of the image itself; a variant's selection has only what it adds.
        package var packages: [Package]
        /// Packages that files are made from but that are no layers.
        package var materials: [Package]
    }

    /// Of `ImageDefinition.lockInputs`.
    package var definition: Digest
    /// When signatures were checked, in seconds since 1970: keys and signatures must have been good at that time.
    package var verified: Int
    package var resolvesTransitively: Bool
    package var archives: [Archive]
    package var selections: [Selection]

    /// The lock of an image without packages, which needs no file.
    package static func none(of definition: ImageDefinition) -> ImageLock {
        ImageLock(
            definition: definition.lockInputs, verified: 0, resolvesTransitively: definition.resolvesTransitively,
            archives: [], selections: [])
    }

    /// The packages of an image, variant's last.
    package func packages(architecture: String, variant: String) -> [Package] {
        var out: [Package] = []
        for name in variant.isEmpty ? [""] : ["", variant] {
            out += selections.first { $0.architecture == architecture && $0.variant == name }?.packages ?? []
        }
        return out
    }

    /// What files are made from.
    package func materials(architecture: String) -> [Package] {
        selections.first { $0.architecture == architecture && $0.variant.isEmpty }?.materials ?? []
    }

    /// Every package once, by digest.
    package var allPackages: [Package] {
        var seen: Set<Digest> = []
        return selections.flatMap { $0.packages + $0.materials }.filter { seen.insert($0.digest).inserted }
    }
}
