package import Bytes
package import Cache
package import SystemPackage

/// The flat archive of an artifact.
package enum ArtifactArchive {
    /// Writes the tree `root` as an archive; its name decides how it is compressed.
    package static func write(_ root: Digest, in store: ContentStore, to file: FilePath) async throws {
    }
}
