internal import Attest
internal import Bytes
internal import Policy

extension FuzzTarget {
    /// Reading DSSE envelopes: what is written reads back.
    static let envelope = FuzzTarget(name: "envelope") { input in
        guard let envelope = try? Envelope(parsing: input) else { return }
        let again = try? Envelope(parsing: envelope.line)
        require(again?.payload == envelope.payload, "an envelope's payload reads back")
        require(again?.payloadType == envelope.payloadType, "an envelope's type reads back")
        _ = try? ProvenanceView(envelope)
    }

    /// Reading statements and provenance of every version.
    static let statement = FuzzTarget(name: "statement") { input in
        guard let statement = try? Statement(parsing: input) else { return }
        _ = try? ProvenanceView(statement)
        _ = try? Provenance(statement.predicate)
        check(Envelope(payloadType: Statement.payloadType, payload: input).line)
    }

    /// Reading bundles and checking them: the bytes of each line are kept.
    static let bundle = FuzzTarget(name: "bundle") { input in check(input) }

    private static func check(_ input: [UInt8]) {
        guard let bundle = try? ProvenanceBundle(parsing: input) else { return }
        let again = try? ProvenanceBundle(parsing: bundle.bytes())
        require(again?.entries.map(\.line) == bundle.entries.map(\.line), "a bundle reads back")
        let report = BundlePolicy([.gitOnly, .builtWithMartlet, .builtWithLeeway, .sandboxed, .allDependencies])
            .check(bundle)
        _ = report
    }
}
