import Attest
import Bytes
import Host
import Keys
import Ledger
import Sigstore
import SystemPackage
import TestKit
import Testing

/// What the log stores of submissions, and what it refuses.
@Suite struct LogRecordTests {
    static let artifact = Digest.of("an artifact")

    static func hashedRekord(
        _ key: PrivateKey, digest: MessageDigest, signature: [UInt8]? = nil, hash: HashAlgorithm? = nil
    ) throws -> JSON {
        let signature = try signature ?? key.signature(of: .digest(digest), hash: hash)
        return [
            "apiVersion": "0.0.1", "kind": "hashedrekord",
            "spec": [
                "data": ["hash": ["algorithm": .string(digest.algorithm.rawValue), "value": .string(digest.hex)]],
                "signature": [
                    "content": .string(Base64.encode(signature)),
                    "publicKey": ["content": .string(Base64.encode(Array(key.publicKey.pem.utf8)))],
                ],
            ],
        ]
    }

    static let statement = Statement(
        subjects: [], predicateType: "https://slsa.dev/provenance/v1",
        predicate: [
            "materials": [["uri": "a", "digest": ["sha256": "AA"]]],
            "buildDefinition": ["resolvedDependencies": [["uri": "b", "digest": ["gitCommit": "bb"]]]],
        ])

    static func envelope(_ keys: [PrivateKey], payload: [UInt8]? = nil) throws -> Envelope {
        var statement = statement
        statement.subjects = try Statement(
            parsing: Array(
                #"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{"sha256":"\#(artifact.hex)","sha512":"CC"}}],"predicateType":"p"}"#
                    .utf8)
        ).subjects
        var envelope = Envelope(payloadType: Statement.payloadType, payload: payload ?? statement.payload)
        for key in keys {
            envelope.signatures.append(.init(signature: try key.signature(of: .bytes(envelope.signedBytes))))
        }
        return envelope
    }

    static func dsse(_ envelope: Envelope, _ keys: [PublicKey], text: String? = nil) -> JSON {
        [
            "apiVersion": "0.0.1", "kind": "dsse",
            "spec": [
                "proposedContent": [
                    "envelope": .string(text ?? String(decoding: envelope.line, as: UTF8.self)),
                    "verifiers": .array(keys.map { .string(Base64.encode(Array($0.pem.utf8))) }),
                ]
            ],
        ]
    }

    static func inToto(_ envelope: Envelope, _ key: PublicKey) -> JSON {
        func twice(_ bytes: [UInt8]) -> JSON { .string(Base64.encode(Array(Base64.encode(bytes).utf8))) }
        let pem = JSON.string(Base64.encode(Array(key.pem.utf8)))
        return [
            "apiVersion": "0.0.2", "kind": "intoto",
            "spec": [
                "content": [
                    "envelope": [
                        "payloadType": .string(envelope.payloadType), "payload": twice(envelope.payload),
                        "signatures": .array(
                            envelope.signatures.map { ["sig": twice($0.signature), "publicKey": pem] }),
                    ], "hash": ["algorithm": "sha256", "value": .string(Digest.of(envelope.line).hex)],
                ]
            ],
        ]
    }

    static func request(_ key: PrivateKey, _ details: KeyDetails, digest: MessageDigest? = nil) throws -> JSON {
        let digest = try digest ?? #require(details.hash).digest(of: Array("an artifact".utf8))
        return [
            "hashedRekordRequestV002": [
                "digest": .string(Base64.encode(digest.bytes)),
                "signature": [
                    "content": .string(Base64.encode(try key.signature(of: .digest(digest)))),
                    "verifier": [
                        "publicKey": ["rawBytes": .string(Base64.encode(key.publicKey.der))],
                        "keyDetails": .string(details.rawValue),
                    ],
                ],
            ]
        ]
    }

    @Test(
        "hashedrekord 0.0.1 is taken with the algorithms of the registry",
        arguments: [
            (KeyAlgorithm.ecdsaP256, HashAlgorithm.sha256), (.ecdsaP384, .sha384), (.ecdsaP384, .sha256),
            (.ecdsaP521, .sha512), (.rsa(bits: 2048), .sha256),
        ])
    func hashedRekord(algorithm: KeyAlgorithm, hash: HashAlgorithm) throws {
        let key = try PrivateKey.generate(algorithm)
        let digest = hash.digest(of: Array("an artifact".utf8))
        let json = try Self.hashedRekord(key, digest: digest, hash: hash)
        let record = try LogRecord(proposedV1: json.bytes())
        #expect(record.body == json.canonical())
        #expect(record.searchKeys.contains(digest.description))
        #expect(record.searchKeys.contains(Digest.of(key.publicKey.pem).hex))
        #expect(record.attestation == nil)
        let read = try LogEntryBody(parsing: record.body, expected: record.kindVersion)
        guard case .artifact(digest, _) = read.content else {
            Issue.record("the body says something else")
            return
        }
    }

    @Test("signatures that nobody can check are refused: Ed25519 and ML-DSA over digests, other hash functions")
    func unsupportedAlgorithms() throws {
        let digest = MessageDigest(Self.artifact)
        for algorithm in [KeyAlgorithm.ed25519, .mlDSA65] {
            let key = try PrivateKey.generate(algorithm)
            let error = #expect(throws: SigstoreError.self) {
                try LogRecord(proposedV1: Self.hashedRekord(key, digest: digest, signature: [1, 2, 3]))
            }
            #expect(error?.code == .unsupported)
        }
        let key = try PrivateKey.generate(.ecdsaP256)
        let long = HashAlgorithm.sha512.digest(of: [1])
        #expect(throws: SigstoreError.self) {
            try LogRecord(proposedV1: Self.hashedRekord(key, digest: long, hash: .sha512))
        }
    }

    @Test("a signature over something else, by another key or in another encoding is refused")
    func wrongSignatures() throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        let other = try PrivateKey.generate(.ecdsaP256)
        let digest = MessageDigest(Self.artifact)
        let right = try key.signature(of: .digest(digest))
        // DER has one encoding: a longer length, a leading zero, bytes behind it are others.
        var long = right
        long.replaceSubrange(1..<2, with: [0x81, right[1]])
        var padded = right
        padded.replaceSubrange(3..<4, with: [right[3] + 1, 0])
        padded[1] += 1
        for signature in [
            try key.signature(of: .digest(MessageDigest(Digest.of("other")))), try other.signature(of: .digest(digest)),
            right + [0], Array(right.dropLast()), long, padded, [0x30, 0],
        ] {
            #expect(throws: SigstoreError.self) {
                try LogRecord(proposedV1: Self.hashedRekord(key, digest: digest, signature: signature))
            }
        }
    }

    @Test("what is stored is built anew: other spellings of one submission give one body")
    func oneBody() throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        let json = try Self.hashedRekord(key, digest: MessageDigest(Self.artifact))
        let text = json.text()
        let pem = Base64.encode(Array(key.publicKey.pem.utf8))
        let loose = Base64.encode(Array(("explanation\r\n" + key.publicKey.pem.replacing("\n", with: "\r\n")).utf8))
        let body = try LogRecord(proposedV1: json).body
        for other in [
            text.replacing(pem, with: loose), text.replacing(Self.artifact.hex, with: Self.artifact.hex.uppercased()),
            text.replacing("{\"data\"", with: "{\"unknown\":[1.0,{}],\"data\""),
            json.text(indented: true),
        ] {
            #expect(other != text)
            #expect(try LogRecord(proposedV1: Array(other.utf8)).body == body)
        }
    }

    @Test("kinds that are not taken are refused with a list of those that are")
    func kinds() throws {
        for (kind, version) in [
            ("rekord", "0.0.1"), ("alpine", "0.0.1"), ("intoto", "0.0.1"), ("dsse", "0.0.2"), ("hashedrekord", "0.0.2"),
            ("HashedRekord", "0.0.1"),
        ] {
            let error = #expect(throws: SigstoreError.self) {
                try LogRecord(proposedV1: ["apiVersion": .string(version), "kind": .string(kind), "spec": [:]])
            }
            #expect(error?.code == .unsupported)
            #expect(error?.message.contains("hashedrekord/0.0.1, dsse/0.0.1, intoto/0.0.2") == true)
        }
    }

    @Test("an envelope is found by its digests, by its subjects and by what went into them")
    func envelopeKeys() throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        let envelope = try Self.envelope([key])
        for json in [Self.dsse(envelope, [key.publicKey]), Self.inToto(envelope, key.publicKey)] {
            let record = try LogRecord(proposedV1: json)
            for found in [
                "sha256:\(Digest.of(key.publicKey.pem).hex)", "sha256:\(Digest.of(envelope.payload).hex)",
                "sha256:\(Self.artifact.hex)", "sha512:cc", "sha256:aa", "gitcommit:bb",
            ] { #expect(record.searchKeys.contains(found), "\(found)") }
            #expect(record.attestation == envelope.payload)
            let body = try LogEntryBody(parsing: record.body, expected: record.kindVersion)
            guard case .envelope(MessageDigest(Digest.of(envelope.payload)), let signatures) = body.content else {
                Issue.record("the body says something else")
                continue
            }
            #expect(signatures.map(\.signature) == envelope.signatures.map(\.signature))
        }
    }

    @Test("signatures of an envelope are stored in order, each once, whoever sent them how")
    func severalSignatures() throws {
        let keys = try (0..<3).map { _ in try PrivateKey.generate(.ecdsaP256) }
        var envelope = try Self.envelope(keys)
        let publicKeys = keys.map(\.publicKey)
        let text = String(decoding: envelope.line, as: UTF8.self)
        let first = try LogRecord(proposedV1: Self.dsse(envelope, publicKeys, text: text))
        let again = try LogRecord(proposedV1: Self.dsse(envelope, publicKeys.reversed(), text: text))
        #expect(first == again)
        let stored = try JSON(parsing: first.body)["spec"]?["signatures"]?.arrayValue?.compactMap {
            $0["signature"]?.stringValue
        }
        #expect(stored == stored?.sorted() && stored?.count == 3)
        envelope.signatures += envelope.signatures
        #expect(
            try JSON(parsing: LogRecord(proposedV1: Self.dsse(envelope, publicKeys)).body)["spec"]?["signatures"]?
                .arrayValue?.count == 3)
    }

    @Test("an envelope is refused where a signature has no key, a key no signature, or the log's fields are sent")
    func envelopeRefusals() throws {
        let keys = try (0..<2).map { _ in try PrivateKey.generate(.ecdsaP256) }
        let both = try Self.envelope(keys)
        let one = try Self.envelope([keys[0]])
        let none = try Self.envelope([])
        var computed = try #require(Self.dsse(one, [keys[0].publicKey])["spec"]?.objectValue)
        computed["payloadHash"] = ["algorithm": "sha256", "value": .string(Self.artifact.hex)]
        for json in [
            Self.dsse(both, [keys[0].publicKey]), Self.dsse(one, keys.map(\.publicKey)), Self.dsse(one, []),
            Self.dsse(none, [keys[0].publicKey]), Self.dsse(one, [keys[1].publicKey]),
            Self.inToto(one, keys[1].publicKey), Self.inToto(none, keys[0].publicKey),
            ["apiVersion": "0.0.1", "kind": "dsse", "spec": .object(computed)],
        ] { #expect(throws: SigstoreError.self) { try LogRecord(proposedV1: json) } }
    }

    @Test("a payload that is no statement is logged without subjects; Ed25519 signs envelopes")
    func otherPayloads() throws {
        let key = try PrivateKey.generate(.ed25519)
        let envelope = try Self.envelope([key], payload: Array("not json".utf8))
        let record = try LogRecord(proposedV1: Self.dsse(envelope, [key.publicKey]))
        #expect(record.searchKeys.count == 3)
        #expect(record.attestation == Array("not json".utf8))
    }

    @Test(
        "requests of version 2 are taken with the registry's algorithms",
        arguments: [
            (KeyAlgorithm.ecdsaP256, KeyDetails.ecdsaP256SHA256), (.ecdsaP384, .ecdsaP384SHA384),
            (.ecdsaP521, .ecdsaP521SHA512), (.rsa(bits: 2048), .rsa2048PKCS1SHA256),
        ])
    func requests(algorithm: KeyAlgorithm, details: KeyDetails) throws {
        let json = try Self.request(PrivateKey.generate(algorithm), details)
        let record = try LogRecord(requestV2: json.bytes())
        #expect(record.kindVersion == .init("hashedrekord", "0.0.2"))
        _ = try LogEntryBody(parsing: record.body, expected: record.kindVersion)
        // The definition's own names, and numbers for enumerations, mean the same.
        let snake = json.text().replacing("hashedRekordRequestV002", with: "hashed_rekord_request_v002")
            .replacing("publicKey", with: "public_key").replacing("rawBytes", with: "raw_bytes")
            .replacing("keyDetails", with: "key_details")
        #expect(try LogRecord(requestV2: Array(snake.utf8)).body == record.body)
        if details == .ecdsaP256SHA256 {
            let number = json.text().replacing("\"PKIX_ECDSA_P256_SHA_256\"", with: "5")
            #expect(try LogRecord(requestV2: Array(number.utf8)).body == record.body)
        }
    }

    @Test("requests of version 2 are read as strictly as protojson reads")
    func strictRequests() throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        let text = try Self.request(key, .ecdsaP256SHA256).text()
        let der = Base64.encode(key.publicKey.der)
        for (old, new) in [
            ("{\"digest\"", "{\"extra\":1,\"digest\""), ("{\"hashed", "{\"extra\":1,\"hashed"),
            ("{\"rawBytes\"", "{\"x\":0,\"rawBytes\""), ("\"keyDetails\"", "\"key_details\":5,\"keyDetails\""),
            ("PKIX_ECDSA_P256_SHA_256", "PKIX_ED25519"), ("PKIX_ECDSA_P256_SHA_256", "PKIX_ECDSA_P384_SHA_384"),
            ("PKIX_ECDSA_P256_SHA_256", "nothing"), ("\"rawBytes\":\"\(der)\"", "\"rawBytes\":\"\""),
            ("\"rawBytes\":\"\(der)\"", ""), ("hashedRekordRequestV002", "dsseRequestV002"),
            ("\"digest\":\"", "\"digest\":\"AAAA"),
            ("\"publicKey\":", "\"x509Certificate\":{\"rawBytes\":\"AAAA\"},\"publicKey\":"),
            ("publicKey", "x509Certificate"), ("\"content\":\"", "\"content\":\"AAAA"),
        ] {
            let changed = text.replacing(old, with: new)
            #expect(changed != text)
            #expect(throws: SigstoreError.self, "\(old) -> \(new)") { try LogRecord(requestV2: Array(changed.utf8)) }
        }
    }

    @Test("what is larger than an entry bundle holds is refused")
    func large() throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        var envelope = try Self.envelope([])
        envelope.payloadType = String(repeating: "x", count: 65_000)
        envelope.signatures.append(.init(signature: try key.signature(of: .bytes(envelope.signedBytes))))
        let error = #expect(throws: SigstoreError.self) {
            try LogRecord(proposedV1: Self.inToto(envelope, key.publicKey))
        }
        #expect(error?.code == .limit)
        #expect(throws: SigstoreError.self) {
            try LogRecord(proposedV1: [UInt8](repeating: 0x20, count: LogRecord.greatestRequestByteCount + 1))
        }
    }

    @Test(
        "bodies of the public logs come out as they stand there", arguments: ConformanceTests.names)
    func publicBodies(name: String) async throws {
        await Task.yield()
        guard !name.hasSuffix("_fail"), let root = TestData.folder("sigstore-conformance") else { return }
        let bytes = try Files.read(root.appending(name).appending("bundle.sigstore.json"), limit: 1 << 26)
        let bundle = try UnverifiedBundle(parsing: bytes)
        for entry in bundle.entries {
            let body = try JSON(parsing: entry.canonicalizedBody)
            switch entry.kindVersion.description {
            case "hashedrekord/0.0.1":
                #expect(try LogRecord(proposedV1: body).body == entry.canonicalizedBody)
            case "hashedrekord/0.0.2":
                let record = try #require(body["spec"]?["hashedRekordV002"])
                let request: JSON = [
                    "hashedRekordRequestV002": [
                        "digest": try #require(record["data"]?["digest"]),
                        "signature": try #require(record["signature"]),
                    ]
                ]
                #expect(try LogRecord(requestV2: request).body == entry.canonicalizedBody)
            case "dsse/0.0.1":
                guard case .envelope(let envelope) = bundle.content, let spec = body["spec"] else { continue }
                let record = try LogRecord(
                    proposedV1: [
                        "apiVersion": "0.0.1", "kind": "dsse",
                        "spec": [
                            "proposedContent": [
                                "envelope": .string(String(decoding: envelope.line, as: UTF8.self)),
                                "verifiers": .array(
                                    (spec["signatures"]?.arrayValue ?? []).compactMap { $0["verifier"] }),
                            ]
                        ],
                    ])
                // How the envelope was spelled when its digest was taken is not in the bundle.
                var stored = try JSON(parsing: record.body)["spec"]?.objectValue
                stored?["envelopeHash"] = spec["envelopeHash"]
                #expect(stored.map { JSON.object($0) } == spec)
            case "intoto/0.0.2":
                // The log of one case kept the payload in the body, which Rekor does not.
                guard case .envelope(let envelope) = bundle.content,
                    body["spec"]?["content"]?["envelope"]?["payload"] == nil
                else { continue }
                let payload = Base64.encode(Array(Base64.encode(envelope.payload).utf8))
                let text = body.text().replacing(
                    "\"envelope\":{", with: "\"envelope\":{\"payload\":\"\(payload)\",")
                #expect(try LogRecord(proposedV1: Array(text.utf8)).body == entry.canonicalizedBody)
            default: break
            }
        }
    }

    @Test("entry names have 64 or 80 digits and are compared by what they say")
    func uuids() throws {
        let leaf = String(repeating: "ab", count: 32)
        let tree = "108e9186e8c5677a"
        let short = try #require(EntryUUID(leaf))
        let long = try #require(EntryUUID(tree + leaf))
        #expect(short.description == leaf && long.description == tree + leaf)
        #expect(long.treeID == 0x108e_9186_e8c5_677a)
        #expect(EntryUUID((tree + leaf).uppercased()) == long)
        #expect(long.answers(short) && short.answers(long))
        #expect(EntryUUID("008e9186e8c5677a" + leaf)?.answers(long) == false)
        for wrong in ["", "ab", leaf + "a", leaf.dropLast() + "g", tree + tree + leaf] {
            #expect(EntryUUID(String(wrong)) == nil)
        }
        #expect(EntryUUID(treeID: 1, body: [1]).description.hasPrefix("0000000000000001"))
    }
}
