package import Bytes

/// A file that is put beside an image.
package struct AttachedContent: Sendable {
    package var mediaType: MediaType
    package var bytes: [UInt8]
    /// Of the manifest, from where lists of referrers have them.
    package var annotations: [String: String]
    /// Of the content.
    package var contentAnnotations: [String: String] = [:]

    package init(mediaType: MediaType, bytes: [UInt8], annotations: [String: String] = [:]) {
        self.mediaType = mediaType
        self.bytes = bytes
        self.annotations = annotations
    }

    /// A Sigstore bundle (cosign's BUNDLE_SPEC). `predicateType` is that of its statement; `nil` where it is a
    /// signature over something else.
    package init(bundle bytes: [UInt8], predicateType: String?, created: Timestamp) {
        self.init(
            mediaType: .bundle, bytes: bytes,
            annotations: [
                Attachment.contentAnnotation: predicateType == nil ? "message-signature" : "dsse-envelope",
                Attachment.createdAnnotation: "\(created)",
            ])
        annotations[Attachment.predicateAnnotation] = predicateType
    }

    /// The manifest that makes it a referrer of `subject` (image-spec "Guidelines for Artifact Usage").
    package func manifest(about subject: Descriptor) -> ImageManifest {
        var config = Descriptor.empty
        // cosign reads it back from here when it cleans up.
        config.artifactType = mediaType
        return ImageManifest(
            config: config, layers: [Descriptor(mediaType, of: bytes, annotations: contentAnnotations)],
            artifactType: mediaType, subject: subject.bare, annotations: annotations)
    }

    /// Puts it beside `subject`, and gives what names it.
    package func attach(to subject: Descriptor, in target: any ImageTarget) async throws -> Descriptor {
        let manifest = manifest(about: subject)
        // Not written again where it is: some registries lose sight of what is being linked anew for a moment.
        if try await !target.hasBlob(.empty) { try await target.receive(.empty, content: Array("{}".utf8)) }
        try await target.receive(manifest.layers[0], content: bytes)
        if let repository = target as? RemoteRepository {
            try await repository.attach(.image(manifest))
        } else {
            try await target.put(.image(manifest), as: manifest.descriptor, tag: nil)
        }
        try await target.finish()
        return manifest.descriptor
    }
}

/// Signatures and attestations at cosign 2's tags, for whoever reads no others.
package struct LegacyAttachment: Sendable {
    /// `CosignTag.signatures` or `.attestations`.
    package var suffix: String
    package var content: AttachedContent

    /// The document that cosign 2 signs (containers/image `containers-signature.5`).
    package static func simpleSigning(_ name: String, _ digest: MessageDigest) -> [UInt8] {
        let document: JSON = [
            "critical": [
                "identity": ["docker-reference": .string(name)],
                "image": ["docker-manifest-digest": .string("\(digest)")],
                "type": "cosign container image signature",
            ], "optional": nil,
        ]
        return document.bytes()
    }

    /// A signature over `payload`, which is the document of `simpleSigning`.
    package init(signature: [UInt8], over payload: [UInt8]) {
        suffix = CosignTag.signatures
        content = AttachedContent(mediaType: .simpleSigning, bytes: payload)
        content.contentAnnotations = [Attachment.signature: Base64.encode(signature)]
    }

    /// A DSSE envelope. The annotation must be there, and is empty.
    package init(envelope: [UInt8], predicateType: String) {
        suffix = CosignTag.attestations
        content = AttachedContent(mediaType: .envelope, bytes: envelope)
        content.contentAnnotations = [Attachment.signature: "", "predicateType": predicateType]
    }

    /// Adds it to what the tag has.
    package func attach(to subject: Descriptor, in source: any ImageSource & ImageTarget) async throws -> Descriptor {
        let tag = CosignTag.name(subject.digest, suffix)
        let layer = Descriptor(
            content.mediaType, of: content.bytes, annotations: content.contentAnnotations)
        try await source.receive(layer, content: content.bytes)
        for _ in 0..<20 {
            var layers: [Descriptor] = []
            if let found = try await source.optional(.tag(tag)), case .image(let manifest) = found.manifest {
                layers = manifest.layers
                if layers.contains(layer) { return found.descriptor }
            }
            layers.append(layer)
            let config = ImageConfiguration(
                platform: Platform(os: "", architecture: ""), diffIDs: layers.map(\.digest)
            ).encoded()
            let descriptor = Descriptor(.imageConfiguration, of: config)
            try await source.receive(descriptor, content: config)
            let manifest = ImageManifest(config: descriptor, layers: layers)
            try await source.put(.image(manifest), as: manifest.descriptor, tag: tag)
            // Somebody else may have written at the same time; the next round sees it.
        }
        throw RegistryError(.unreachable, "\(source.shown): others keep overwriting the tag \(tag); try again later")
    }
}
