import Bytes
import Host
import Ledger
import SystemPackage
import TestKit
import Testing

/// The vectors of transparency-dev/merkle, `testdata`: each file holds one question and whether the answer is no.
@Suite struct MerkleProofTests {
    enum Kind: String, CaseIterable { case inclusion, consistency, subtreeinclusion, subtreeconsistency }

    @Test(
        "every published vector has the stated outcome",
        .enabled(if: TestData.folder("merkle-proofs") != nil, Comment(rawValue: TestData.absence)),
        arguments: zip(Kind.allCases, [98, 98, 204, 118]))
    func vectors(kind: Kind, count: Int) throws {
        let folder = try #require(TestData.folder("merkle-proofs")).appending(kind.rawValue)
        let files = try Self.files(below: folder)
        #expect(files.count == count)
        for file in files {
            let vector = try JSON(parsing: try Files.read(file, limit: 1 << 20))
            let isRefused = vector["wantErr"]?.boolValue ?? false
            do {
                try Self.check(kind, vector)
                #expect(!isRefused, "\(file): accepted")
            } catch {
                #expect(isRefused, "\(file): \(error)")
            }
        }
    }

    static func files(below folder: FilePath) throws -> [FilePath] {
        var out: [FilePath] = []
        for name in try Files.list(folder).sorted() {
            let path = folder.appending(name)
            if name.hasSuffix(".json") { out.append(path) } else { out += try files(below: path) }
        }
        return out
    }

    static func check(_ kind: Kind, _ vector: JSON) throws {
        func number(_ key: String) throws -> UInt64 {
            guard case .number(let number)? = vector[key] else { return 0 }
            return try #require(UInt64(number.text))
        }
        func digest(_ json: JSON?) throws -> Digest {
            let bytes = try Base64.decode(try #require(json?.stringValue))
            // A hash that must not matter is the words "don't care" and a number.
            if bytes.starts(with: "don't care".utf8) { return Digest.of(bytes) }
            guard let digest = Digest(bytes: bytes) else { throw LedgerError(.malformed, "\(bytes.count) bytes") }
            return digest
        }
        let proof = try (vector["proof"]?.arrayValue ?? []).map { try digest($0) }
        switch kind {
        case .inclusion:
            try MerkleProof.verifyInclusion(
                of: digest(vector["leafHash"]), at: number("leafIdx"), inTreeOf: number("treeSize"),
                root: digest(vector["root"]), path: proof)
        case .consistency:
            try MerkleProof.verifyConsistency(
                oldSize: number("size1"), oldRoot: digest(vector["root1"]), newSize: number("size2"),
                newRoot: digest(vector["root2"]), proof: proof)
        case .subtreeinclusion:
            try MerkleProof.verifySubtreeInclusion(
                of: digest(vector["leafHash"]), at: number("leafIdx"), start: number("start"), end: number("end"),
                root: digest(vector["root"]), path: proof)
        case .subtreeconsistency:
            try MerkleProof.verifySubtreeConsistency(
                start: number("start"), end: number("end"), subtreeRoot: digest(vector["root1"]),
                size: number("size"), root: digest(vector["root2"]), proof: proof)
        }
    }
}
