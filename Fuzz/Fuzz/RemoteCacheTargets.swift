import Attest
import Build
import Bytes
import Keys
import Policy
import Workspace

@testable internal import RemoteCache

extension FuzzTarget {
    /// Reading entries of remote caches, and the statements in them.
    static let cacheEntry = FuzzTarget(name: "cache-entry") { input in
        if let entry = try? CacheEntry(parsing: input) {
            let bytes = entry.bytes
            require((try? CacheEntry(parsing: bytes))?.bytes == bytes, "an entry reads back")
        }
        guard let statement = try? Statement(parsing: input), let predicate = try? EntryPredicate(statement) else {
            return
        }
        require((try? EntryPredicate(predicate.statement)) == predicate, "a statement has one meaning")
    }

    /// Reading attestations of Leeway's cache; nobody has the key.
    static let leewayAttestation = FuzzTarget(name: "leeway-attestation") { input in
        guard let leeway, let name = PackageName("c:app"), let now = Timestamp(seconds: 1_793_491_200) else { return }
        let wanted = WantedImport(name: name, leewayVersion: String(repeating: "a", count: 40))
        require((try? leeway.verify(input, for: wanted, at: now)) == nil, "nothing is believed that nobody signed")
    }

    private static let leeway: LeewayVerifier? = {
        guard let key = try? PrivateKey.generate(.ed25519),
            let policy = ArtifactPolicy(signedBy: key.publicKey).restricted(
                toRepository: "https://github.com/acme/app")
        else { return nil }
        return try? LeewayVerifier(policy: policy, trustedRoot: nil)
    }()

    /// Reading packs of small files; the first two bytes say how large the content should be.
    static let filePack = FuzzTarget(name: "file-pack") { input in
        guard input.count >= 2 else { return }
        let size = Int(input[0]) << 8 | Int(input[1])
        guard let contents = try? FilePack.contents(Array(input.dropFirst(2)), contentSize: size) else { return }
        require(contents.reduce(0) { $0 + $1.count } <= size, "contents are part of what is unpacked")
    }
}
