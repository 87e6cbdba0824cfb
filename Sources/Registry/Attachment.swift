package import Bytes

/// A signature or attestation of an image, in any of the layouts in which they are found beside it.
package struct Attachment: Hashable, Sendable {
    /// How it is attached.
    package enum Layout: String, Hashable, Sendable {
        /// A Sigstore bundle or envelope in a manifest whose subject is the image (cosign 3, GitHub, Tekton Chains).
        case referrer
        /// cosign 2's tag `.sig`: a simple-signing document with its signature in an annotation.
        case signatureTag = "tag .sig"
        /// cosign 2's tag `.att`: a DSSE envelope.
        case attestationTag = "tag .att"
        /// BuildKit's manifest beside the image in its index: a statement that nobody signed.
        case buildKit = "BuildKit"

        package var isSigned: Bool { self != .buildKit }
    }

    package let layout: Layout
    /// The manifest that carries it.
    package let manifest: Descriptor
    /// The content, with the annotations that belong to it.
    package let content: Descriptor
    /// What it states, as its annotations claim.
    package let predicateType: String?

    /// The annotations of bundles (cosign's BUNDLE_SPEC).
    package static let contentAnnotation = "dev.sigstore.bundle.content"
    package static let predicateAnnotation = "dev.sigstore.bundle.predicateType"
    package static let createdAnnotation = "org.opencontainers.image.created"
    /// cosign 2's annotations of a signature.
    package static let signature = "dev.cosignproject.cosign/signature"
    package static let certificate = "dev.sigstore.cosign/certificate"
    package static let chain = "dev.sigstore.cosign/chain"
    package static let rekorBundle = "dev.sigstore.cosign/bundle"
    package static let timestamp = "dev.sigstore.cosign/rfc3161timestamp"
    /// BuildKit's annotation of a statement.
    package static let buildKitPredicate = "in-toto.io/predicate-type"

    /// The most attachments of one image that are looked at, and the most bytes of one.
    package static let greatestCount = 1000
    package static let greatestByteCount = 64 << 20
}

extension ImageSource {
    /// The signatures and attestations of the image `subject`, in all layouts. `predicateType` leaves out those that
    /// say themselves that they are about something else.
    ///
    /// Whatever can't be asked is an error: a list that is not whole would look as if somebody had not signed.
    package func attachments(
        of subject: MessageDigest, predicateType: String? = nil, index: ImageIndex? = nil
    ) async throws -> [Attachment] {
        try await bundles(of: subject, predicateType: predicateType)
            + olderAttachments(of: subject, predicateType: predicateType, index: index)
    }

    /// Those that are referrers of the image.
    package func bundles(of subject: MessageDigest, predicateType: String? = nil) async throws -> [Attachment] {
        var out: [Attachment] = []
        for referrer in try await referrers(of: subject, kind: nil) {
            guard let kind = referrer.artifactType, kind.isAttestation else { continue }
            let claimed = referrer.annotations[Attachment.predicateAnnotation]
            if let claimed, let predicateType, claimed != predicateType { continue }
            guard case .image(let manifest) = try await manifest(referrer).manifest else { continue }
            guard manifest.subject?.digest == subject else {
                throw RegistryError(
                    .mismatch, "\(shown) lists \(referrer.digest) as about \(subject), and it is about something else")
            }
            for layer in manifest.layers where layer.mediaType.isAttestation {
                out.append(
                    Attachment(layout: .referrer, manifest: referrer.bare, content: layer, predicateType: claimed))
            }
            try checkCount(out)
        }
        return out
    }

    /// Those in the layouts that came before referrers.
    package func olderAttachments(
        of subject: MessageDigest, predicateType: String? = nil, index: ImageIndex? = nil
    ) async throws -> [Attachment] {
        var out: [Attachment] = []
        for (suffix, layout) in [
            (CosignTag.signatures, Attachment.Layout.signatureTag), (CosignTag.attestations, .attestationTag),
        ] {
            guard let found = try await optional(.tag(CosignTag.name(subject, suffix))),
                case .image(let manifest) = found.manifest
            else { continue }
            for layer in manifest.layers {
                let claimed = layer.annotations["predicateType"]
                if let claimed, let predicateType, claimed != predicateType { continue }
                out.append(
                    Attachment(layout: layout, manifest: found.descriptor, content: layer, predicateType: claimed))
            }
            try checkCount(out)
        }
        for attachment in try await savedAttachments() {
            if let claimed = attachment.predicateType, let predicateType, claimed != predicateType { continue }
            out.append(attachment)
        }
        for entry in index?.manifests ?? [] where entry.isAttestation {
            guard case .image(let manifest) = try await manifest(entry).manifest else { continue }
            for layer in manifest.layers where layer.mediaType == .statement {
                out.append(
                    Attachment(
                        layout: .buildKit, manifest: entry.bare, content: layer,
                        predicateType: layer.annotations[Attachment.buildKitPredicate]))
            }
            try checkCount(out)
        }
        return out
    }

    fileprivate func checkCount(_ attachments: [Attachment]) throws {
        guard attachments.count <= Attachment.greatestCount else {
            throw RegistryError(
                .limit, "\(shown): the image has more than \(Attachment.greatestCount) signatures and attestations")
        }
    }

    /// The manifest called `name`; `nil` where there definitely is none.
    package func optional(_ name: ManifestName) async throws -> FoundManifest? {
        do {
            return try await manifest(name)
        } catch let error as RegistryError where error.code == .absent {
            return nil
        }
    }
}

extension OCILayout {
    /// What `cosign save` put beside the one image of a layout; entries of the index say what they are.
    package func savedAttachments() async throws -> [Attachment] {
        let kinds = [
            "dev.cosignproject.cosign/sigs": Attachment.Layout.signatureTag,
            "dev.cosignproject.cosign/atts": .attestationTag,
        ]
        var out: [Attachment] = []
        for entry in try index().manifests {
            guard let kind = entry.annotations["kind"], let layout = kinds[kind],
                case .image(let manifest) = try await manifest(entry).manifest
            else { continue }
            for layer in manifest.layers {
                out.append(
                    Attachment(
                        layout: layout, manifest: entry.bare, content: layer,
                        predicateType: layer.annotations["predicateType"]))
            }
            try checkCount(out)
        }
        return out
    }
}

extension MediaType {
    /// Whether content of this type may be a signature or an attestation.
    package var isAttestation: Bool {
        isBundle || self == .envelope || self == .statement || self == .simpleSigning
            || essence.hasPrefix("application/vnd.dev.cosign.artifact.sig.")
            || essence.hasPrefix("application/vnd.dev.cosign.artifact.att.")
    }
}
