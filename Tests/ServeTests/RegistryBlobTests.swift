import Bytes
import Host
import Registry
import SystemPackage
import TestKit
import Testing
import Wire

@testable import Serve

/// Calls 1, 2, 4 to 6, 10, 11, 13 and 14 of the distribution-spec's table.
struct RegistryBlobTests {
    private let bytes = (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    @Test("The root answers, and says which protocol it speaks")
    func root() async throws {
        try await RegistryClient.with { client in
            for path in ["/v2/", "/v2"] {
                let answer = try await client.server.ask(.get, path)
                #expect(answer.status == 200)
                #expect(answer.fields["Docker-Distribution-Api-Version"] == "registry/2.0")
            }
        }
    }

    @Test("A blob comes back as it was put, by each algorithm", arguments: HashAlgorithm.allCases)
    func roundTrip(_ algorithm: HashAlgorithm) async throws {
        let bytes = bytes
        try await RegistryClient.with { client in
            for content in [bytes, [], Array("{}".utf8)] {
                let digest = algorithm.digest(of: content)
                // On one connection: a content after the head would be taken for the next answer.
                #expect(try await client.ask(.head, "blobs/\(digest)").status == 404)
                #expect(try await client.ask(.get, "blobs/\(digest)").status == 404)
                try await client.put(content, algorithm)
                let head = try await client.ask(.head, "blobs/\(digest)")
                #expect(head.status == 200)
                #expect(head.fields["Content-Length"] == "\(content.count)")
                #expect(head.fields["Docker-Content-Digest"] == "\(digest)")
                let answer = try await client.ask(.get, "blobs/\(digest)")
                #expect(answer.bytes == content)
                let again = try await client.ask(.get, "blobs/\(digest)", fields: ["If-None-Match": "\"\(digest)\""])
                #expect(again.status == 304)
                #expect(try await client.ask(.delete, "blobs/\(digest)").status == 202)
                let gone = try await client.ask(.get, "blobs/\(digest)")
                #expect(gone.status == 404)
                #expect(gone.errorCode == "BLOB_UNKNOWN")
                #expect(try await client.ask(.delete, "blobs/\(digest)").status == 404)
            }
        }
    }

    @Test("A blob larger than one piece streams both ways")
    func large() async throws {
        let bytes = (0..<5 << 20).map { index in UInt8(truncatingIfNeeded: index &* 31 ^ index >> 8) }
        try await RegistryClient.with { client in
            let descriptor = try await client.put(bytes)
            let answer = try await client.ask(.get, "blobs/\(descriptor.digest)")
            #expect(answer.bytes == bytes)
            let part = try await client.ask(
                .get, "blobs/\(descriptor.digest)", fields: ["Range": "bytes=1000000-3999999"])
            #expect(part.status == 206)
            #expect(part.bytes == Array(bytes[1_000_000..<4_000_000]))
        }
    }

    @Test("Content in the POST itself; other algorithms than SHA-256 by name")
    func monolithic() async throws {
        let bytes = bytes
        try await RegistryClient.with { client in
            let digest = HashAlgorithm.sha512.digest(of: bytes)
            let answer = try await client.ask(.post, "blobs/uploads/?digest=\(digest)", body: bytes)
            #expect(answer.status == 201)
            let place = try #require(answer.fields["Location"])
            #expect(try await client.ask(.get, place).bytes == bytes)
            let wrong = try await client.ask(.post, "blobs/uploads/?digest=\(digest)", body: bytes + [1])
            #expect(wrong.status == 400)
            #expect(wrong.errorCode == "DIGEST_INVALID")
            #expect(try await client.ask(.post, "blobs/uploads/?digest-algorithm=md5").status == 400)
            _ = try await client.begin("?digest-algorithm=sha512")
        }
    }

    @Test("Chunks in their order; one out of order is 416, and the place tells how to go on")
    func chunks() async throws {
        let bytes = bytes
        try await RegistryClient.with { client in
            var place = try await client.begin()
            let early = try await client.ask(
                .patch, place, fields: ["Content-Range": "1000-1999"], body: Array(bytes[1000..<2000]))
            #expect(early.status == 416)
            for start in [0, 1000] {
                let answer = try await client.ask(
                    .patch, place, fields: ["Content-Range": "\(start)-\(start + 999)"],
                    body: Array(bytes[start..<start + 1000]))
                #expect(answer.status == 202)
                #expect(answer.fields["Range"] == "0-\(start + 999)")
                place = try #require(answer.fields["Location"])
            }
            let late = try await client.ask(
                .patch, place, fields: ["Content-Range": "0-999"], body: Array(bytes[..<1000]))
            #expect(late.status == 416)
            #expect(late.fields["Range"] == "0-1999")
            let status = try await client.ask(.get, place)
            #expect(status.status == 204)
            #expect(status.fields["Range"] == "0-1999")
            let digest = HashAlgorithm.sha256.digest(of: bytes)
            let wrong = try await client.ask(
                .put, "\(place)?digest=\(digest)", fields: ["Content-Range": "0-999"], body: Array(bytes[..<1000]))
            #expect(wrong.status == 416)
            let end = try await client.ask(
                .put, "\(place)?digest=\(digest)", fields: ["Content-Range": "2000-2999"], body: Array(bytes[2000...]))
            #expect(end.status == 201)
            #expect(try await client.ask(.get, "blobs/\(digest)").bytes == bytes)
            // The upload is over.
            let over = try await client.ask(.get, place)
            #expect(over.status == 404)
            #expect(over.errorCode == "BLOB_UPLOAD_UNKNOWN")
        }
    }

    @Test("A stream without ranges, and an upload that is given up")
    func stream() async throws {
        let bytes = bytes
        try await RegistryClient.with { client in
            let place = try await client.begin()
            #expect(try await client.ask(.patch, place, body: bytes).status == 202)
            let digest = HashAlgorithm.sha256.digest(of: bytes)
            #expect(try await client.ask(.put, "\(place)?digest=\(digest)").status == 201)
            let other = try await client.begin()
            #expect(try await client.ask(.delete, other).status == 204)
            #expect(try await client.ask(.get, other).status == 404)
            let uploads = try client.server.site.directory("registry").appending("repositories/team/app/_oci/uploads")
            #expect(try Files.list(uploads) == [])
        }
    }

    @Test("A wrong digest leaves nothing")
    func wrongDigest() async throws {
        let bytes = bytes
        try await RegistryClient.with { client in
            let digest = HashAlgorithm.sha256.digest(of: bytes)
            let place = try await client.begin()
            let answer = try await client.ask(.put, "\(place)?digest=\(digest)", body: bytes + [0])
            #expect(answer.status == 400)
            #expect(answer.errorCode == "DIGEST_INVALID")
            #expect(try await client.ask(.get, "blobs/\(digest)").status == 404)
            #expect(try await client.ask(.get, place).status == 404)
            for text in ["", "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", "\(digest)".uppercased()] {
                let answer = try await client.ask(.put, "\(try await client.begin())?digest=\(text)", body: bytes)
                #expect(answer.status == 400)
            }
        }
    }

    @Test("Blobs of other repositories are mounted, and missing ones become uploads")
    func mount() async throws {
        let bytes = bytes
        try await RegistryClient.with { client in
            let descriptor = try await client.put(bytes)
            var other = client
            for (name, query) in [("other/one", "&from=team/app"), ("other/two", "")] {
                other.repository = name
                let answer = try await other.ask(.post, "blobs/uploads/?mount=\(descriptor.digest)\(query)")
                #expect(answer.status == 201)
                #expect(try await other.ask(.get, "blobs/\(descriptor.digest)").bytes == bytes)
            }
            let absent = HashAlgorithm.sha256.digest(of: [1])
            for query in ["&from=team/app", "&from=no/where", ""] {
                let answer = try await other.ask(.post, "blobs/uploads/?mount=\(absent)\(query)")
                #expect(answer.status == 202)
                #expect(answer.fields["Location"] != nil)
            }
        }
    }

    @Test(
        "Ranges of a blob",
        arguments: [
            ("bytes=500-1499", 500..<1500), ("bytes=500-", 500..<3000), ("bytes=-500", 2500..<3000),
            ("bytes=2000-5000", 2000..<3000), ("bytes=0-0", 0..<1), ("bytes=-5000", 0..<3000),
        ])
    func ranges(_ field: String, _ range: Range<Int>) async throws {
        let bytes = bytes
        try await RegistryClient.with { client in
            let descriptor = try await client.put(bytes)
            let answer = try await client.ask(.get, "blobs/\(descriptor.digest)", fields: ["Range": field])
            #expect(answer.status == 206)
            #expect(answer.bytes == Array(bytes[range]))
            #expect(answer.fields["Content-Range"] == "bytes \(range.lowerBound)-\(range.upperBound - 1)/3000")
        }
    }

    @Test("Ranges outside of the blob are 416; several or none at all ask for the whole")
    func otherRanges() async throws {
        let bytes = bytes
        try await RegistryClient.with { client in
            let descriptor = try await client.put(bytes)
            for field in ["bytes=500-0", "bytes=5000-10000", "bytes=3000-", "bytes=-0"] {
                let answer = try await client.ask(.get, "blobs/\(descriptor.digest)", fields: ["Range": field])
                #expect(answer.status == 416)
                #expect(answer.fields["Content-Range"] == "bytes */3000")
            }
            for field in ["bytes=0-1,5-6", "lines=1-2", "bytes=a-b", "bytes=", "bytes=99999999999999999999-1"] {
                let answer = try await client.ask(.get, "blobs/\(descriptor.digest)", fields: ["Range": field])
                #expect(answer.status == 200)
                #expect(answer.bytes == bytes)
            }
        }
    }
}
