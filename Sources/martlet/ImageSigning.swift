internal import Attest
internal import Bytes
internal import Host
internal import Registry
internal import Sigstore

/// Signs images and puts what was signed beside them.
struct ImageSigning {
    let signing: SigningArguments
    let registry: RegistryArguments
    /// Writes cosign 2's tags too, for readers that know nothing else.
    let isLegacy: Bool

    /// The type of statements that say no more than "I signed this" (cosign 3).
    static let signatureType = "https://sigstore.dev/cosign/sign/v1"

    /// States `predicate` of the image, and gives a line about it.
    func attest(_ text: String, type: String, predicate: JSON) async throws -> String {
        try await registry.withClient { client in
            let image = try await OpenImage(text, client)
            guard let target = image.source as? any ImageSource & ImageTarget else {
                throw CommandError.usage("\(image.source.shown) can't be changed; copy it to a layout or a registry")
            }
            let subject = try await image.source.resolve(image.name)
            let name = image.address.reference?.name ?? ""
            let statement = Statement(
                subjects: [Subject(name: name, digest: [subject.digest.algorithm.rawValue: subject.digest.hex])],
                predicateType: type, predicate: predicate)
            let signed = try await signing.sign(.payload(type: Statement.payloadType, statement.payload))
            let created = try moment()
            let put = try await AttachedContent(
                bundle: signed.bundle.json.bytes(), predicateType: type, created: created
            )
            .attach(to: subject, in: target)
            if isLegacy { try await attachLegacy(signed, name, type, subject, target) }
            return
                "\(name.isEmpty ? image.source.shown : name)@\(subject.digest): \(signed.summary), attached as \(put.digest)\n"
        }
    }

    private func attachLegacy(
        _ signed: SignedBundle, _ name: String, _ type: String, _ subject: Descriptor,
        _ target: any ImageSource & ImageTarget
    ) async throws {
        guard case .envelope(let envelope) = signed.bundle.content, signing.signer.key != nil, !signing.witnessed else {
            throw CommandError.usage(
                "--legacy goes with --key, and without logs: the old tags have no place for bundles")
        }
        if type == Self.signatureType {
            let payload = LegacyAttachment.simpleSigning(name, subject.digest)
            let signature = try await signing.sign(.artifact(BytesArtifact(payload))).bundle.signature
            _ = try await LegacyAttachment(signature: signature, over: payload).attach(to: subject, in: target)
        } else {
            _ = try await LegacyAttachment(envelope: envelope.line, predicateType: type).attach(to: subject, in: target)
        }
    }

    /// When the attachment was made: `SOURCE_DATE_EPOCH` where that is set, so that it can be made again.
    private func moment() throws -> Timestamp {
        if let text = ProcessEnvironment.variables["SOURCE_DATE_EPOCH"], !text.isEmpty {
            guard let seconds = Int64(text), let moment = Timestamp(seconds: seconds) else {
                throw CommandError.usage("SOURCE_DATE_EPOCH is no number of seconds")
            }
            return moment
        }
        return try signing.trust.now()
    }
}
