package import Attest
package import Bytes

/// What the provenance of an image from `martlet image build` says of how it is built again.
package struct ImageRebuild: Sendable {
    private let definition: Digest
    private let lock: Digest
    private let variants: [String]
    private let architectures: [String]
    package let compression: LayerCompression
    package let created: Timestamp
    private let indexesPaths: Bool

    package init(_ statement: Statement) throws {
        let provenance = try Provenance(statement.predicate)
        guard provenance.buildType == ImageProvenance.buildType else {
            throw ImageError(.unsupported, "the provenance is not of an image that martlet built")
        }
        let parameters = provenance.externalParameters
        func digest(_ name: String) -> Digest? {
            parameters[name]?["digest"]?["sha256"]?.stringValue.flatMap { Digest(hex: $0) }
        }
        func texts(_ name: String) -> [String]? { parameters[name]?.arrayValue?.compactMap(\.stringValue) }
        guard let definition = digest("definition"), let lock = digest("lock"), let variants = texts("variants"),
            let architectures = texts("architectures"),
            let compression = parameters["compression"]?.stringValue.flatMap({ LayerCompression(rawValue: $0) }),
            let created = parameters["created"]?.stringValue.flatMap({ Timestamp($0) })
        else { throw ImageError(.malformed, "the provenance does not say what the image was built from") }
        self.definition = definition
        self.lock = lock
        self.variants = variants
        self.architectures = architectures
        self.compression = compression
        self.created = created
        indexesPaths = parameters["pathIndex"]?.boolValue ?? false
    }

    /// Builds the images again. What was made before must not be in the client's cache: it would only be compared with
    /// itself.
    /// - Parameter digest: of the definition's file.
    package func build(
        _ definition: ImageDefinition, digest: Digest, lock: ImageLock, client: ArchiveClient
    ) async throws -> [ImageSet] {
        guard digest == self.definition, Digest.of(lock.bytes) == self.lock else {
            throw ImageError(
                .stale,
                "\(definition.path) or its lock is another than the image was built from; take those of the time of the build"
            )
        }
        var builder = try ImageBuilder(
            definition, lock: lock, client: client, compression: compression, created: created)
        builder.indexesPaths = indexesPaths
        return try await builder.build(variants: variants, architectures: architectures)
    }
}
