import Bytes
import Host
import SystemPackage
import TUF
import TestKit
import Testing

/// The root metadata of Sigstore's public-good instance, as it was published from 2022 to 2026.
@Suite(.enabled(if: TestData.folder("tuf-public-good") != nil, "\(TestData.absence)"))
struct PublicGoodTests {
    private static func root(_ version: Int) throws -> [UInt8] {
        let folder = try #require(TestData.folder("tuf-public-good")).appending("roots")
        return try Files.read(folder.appending("\(version).root.json"), limit: 1 << 20)
    }

    private static func chain(from first: Int) throws -> TrustedMetadata {
        var trusted = try TrustedMetadata(root: root(first))
        for version in (first + 1)...15 { _ = try trusted.advance(root: root(version)) }
        return trusted
    }

    @Test("roots 5 to 15 verify as a chain, from any of them on", arguments: [5, 9, 10, 12, 14])
    func chain(from first: Int) throws {
        let trusted = try Self.chain(from: first)
        #expect(trusted.root.role.version == 15)
        #expect(trusted.root.role.consistentSnapshot)
    }

    @Test("the last root is good in August 2026, and later it has expired rather than been tampered with")
    func expiry() throws {
        let trusted = try Self.chain(from: 5)
        try trusted.checkRootExpiry(at: #require(Timestamp("2026-08-22T00:00:00Z")))
        let error = #expect(throws: TUFError.self) {
            try trusted.checkRootExpiry(at: #require(Timestamp("2026-11-21T00:00:00Z")))
        }
        #expect(error?.code == .expired)
        #expect(error?.role == "root")
        #expect(error?.expires == Timestamp("2026-11-20T13:58:18Z"))
    }

    @Test("the snapshot's key changed with root 10; new descriptions of a key are no new key")
    func rotation() throws {
        var trusted = try TrustedMetadata(root: Self.root(5))
        for version in 6...15 { #expect(try trusted.advance(root: Self.root(version)) == (version == 10)) }
    }

    @Test("no version may be left out")
    func gap() throws {
        var trusted = try TrustedMetadata(root: Self.root(10))
        #expect(throws: TUFError.self) { try trusted.advance(root: Self.root(12)) }
        #expect(throws: TUFError.self) { try trusted.advance(root: Self.root(9)) }
    }

    @Test("one changed byte of what is signed is noticed")
    func mutation() throws {
        let bytes = try Self.root(15)
        let text = String(decoding: bytes, as: UTF8.self)
        for (old, new) in [
            ("\"version\": 15", "\"version\": 16"), ("\"threshold\": 3", "\"threshold\": 1"),
            ("x-tuf-on-ci-keyowner", "x-tuf-on-ci-keyownes"), ("2026-11-20T", "2027-11-20T"),
        ] {
            #expect(text.contains(old))
            let changed = text.replacing(old, with: new)
            #expect(throws: TUFError.self) { try TrustedMetadata(root: Array(changed.utf8)) }
        }
    }
}
