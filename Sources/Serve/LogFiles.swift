internal import Keys
internal import Ledger
internal import SystemPackage
internal import TileLog

/// The name and the keys of a log, in its directory.
struct LogFiles {
    let origin: String
    /// Signs promises, and checkpoints for clients of Rekor v1.
    let promise: PrivateKey
    let checkpoint: PrivateKey
    private let directory: FilePath

    /// Reads them, and makes those that are missing. Blocks.
    init(in directory: FilePath, origin: String?, default name: String) throws {
        self.directory = directory
        self.origin = try ServiceKeys.name(in: directory, setting: origin, default: name)
        promise = try ServiceKeys.key("promise", .ecdsaP256, in: directory)
        checkpoint = try ServiceKeys.key("checkpoint", .ed25519, in: directory)
    }

    var signers: [NoteSigner] {
        [checkpoint, promise].map { .log(name: origin, signer: PrivateKeySigner($0)) }
    }

    var attestations: AttestationStore { AttestationStore(directory.appending("attestations")) }

    /// The folder of the tree.
    var tree: FilePath { directory.appending("tree") }

    func open(_ settings: LogSettings = LogSettings()) async throws -> TransparencyLog {
        try await TransparencyLog.open(tree, origin: origin, signers: signers, settings: settings)
    }
}
