import Bytes
import Keys
import Testing

/// Keys and signatures that OpenSSL 3.0 made over `a message`.
@Suite struct PublicKeyTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let name: String
        let algorithm: KeyAlgorithm
        let der: String
        let signature: String
        var hash: HashAlgorithm?
        var padding = RSAPadding.pkcs1v15
        var testDescription: String { name }
    }

    static let message = Array("a message".utf8)

    static let vectors = [
        Vector(
            name: "P-256", algorithm: .ecdsaP256,
            der: """
                MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExbtNyL9B2vfGcagg/WIrd+NOuuGmluwtrMw7cGqI6eIk6w32KF+dHAxXlmRlh+39\
                H1hjGuqOrsq9cj2byB41aA==
                """,
            signature: """
                MEQCIE433LDN5B4+d8G23KonD7KfcNrvrmsw3QUH3hENMyW1AiBGqVHFb1i9sLm51lWhWxp0Fkef1Iu6wT/MjeiYob0cgA==
                """, hash: .sha256),
        Vector(
            name: "P-384", algorithm: .ecdsaP384,
            der: """
                MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEdt4C7bffKCLi+T727pKcFdv3hSd/b0ko7KqnPUUna6Wsnc/KtO/mCD2LFzbGhyehpvoy\
                eqVBOuk02BLUuwK7hcMM1vgBltavthPYf850GWM5YLxJ4wm0XmGDoAK9B0GJ
                """,
            signature: """
                MGYCMQC/3705kjhnBIqysa0ur5M65AsOiH1Mjltsnpi1Xf4frqF1vnQOzM5hXqJW0NUQik4CMQCUuPfLwtbwu8Ux0Q9O1Z65FpF9\
                xo3L3pq7ArZ6XnHciIs/LxAZxdK8gON2xfwZQIw=
                """, hash: .sha384),
        Vector(
            name: "P-521", algorithm: .ecdsaP521,
            der: """
                MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAgfT7C4DTBik9vtw7ZLj164DIPgAT/ndaodKdKD1Op6045qLoL0tWfAPucV8XuyMu\
                oA3scsnfvcdvygUAhBlx81UBainDz4X3lWS3V6gefkZ8udpFHXDsJewATGGFZCInNbIl9bNOGNRqqMt3k/uU5vMAp1b8dvmsztBQ\
                mV5u7EZUG8E=
                """,
            signature: """
                MIGIAkIA7qjfuUhnNrMBzZ4OmMju0xrXn/9ck16qrTLCrN2nMLDBA+BuSqI3t6ptu1iVnTULaTTSpdm0p6NvRYPTIP6tMXcCQgFH\
                mwDaSrjaj/dl8IpLGxURZi9IWpC92+vr/cjOAs6xLymfAWI05NT0dAfexyxvt3Gyto9Hpc6QdWLULsCakoblRQ==
                """, hash: .sha512),
        Vector(
            name: "Ed25519", algorithm: .ed25519,
            der: """
                MCowBQYDK2VwAyEArcBH1YP6c/GAcTSEkjs8OeHi+z799mMSspSrS1AVWaM=
                """,
            signature: """
                8aE6Hw1t5lZieXu0Zr20NyB6f2bIvrumkFaSoKjRU3CA5Gt3onNJ1fGGIeRRcmdaeylbiV1ICswYnIIIT7mgBQ==
                """),
        Vector(
            name: "RSA, PKCS #1 v1.5", algorithm: .rsa(bits: 2048),
            der: """
                MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA2ptF7VJj9TPLlHpobWYmq+22s0cBFpvqZfcHh8CMWRPdFQ2VVIeOZwRH\
                EoLhOCbrFxfe3Kb0WlpEa3uvOzGnsZD3gTfR5Btrm5xvsGKQA8EWYehQUXcm1ecIPRq4xi9hDwFrdqG15cBRAZ9ZaA4dFTLg9KwA\
                lddpy3OtNz8eiWpO4Y3fFTkJxtI1aEY2Kxn9P/ik6G86yWpD+1Xrd2co6AMsE5QO2VertzDZ5vOyqx9XpcFYi1eUwbLlLZq0DlKn\
                JpDnk8UKh+gLGB+OP+lipgjn4zOf19dZc9t7d4Dgw2ILSV4+kntOSSkUYekQ4wU8DvoZm1rmr6CNbb1j2TkfGQIDAQAB
                """,
            signature: """
                CHGrvbbqJcmBDtgBmIXJC/QSfVV1MUPpGGOkTFWw2h3uIkQ4dGpDQqJRTbb7HQD68PF4+Gm82Sk2eP4UrWq5tLdb0WlSGff6pdAq\
                VQJLQYSrNJHYJXg+t+OsJtmXDhPA4SgxefEaQ740mOxuMsZWiCkMEmXGm1xf8dYSuHUZrB/yUS37YqxSjC2ZBlOHuwti2M23GH7F\
                W9yMMkTtAAlO9Dj1EzzLeu9YwY3mDOv3ad5jr+9eAPpuIGp/sGbDxw4m7JvVYt5Sd4z7Xm7k2Cz4JmG+nubZztCheqrc3uQmFKiA\
                7ZL9clfMPCgSZ8IQeEiMdexJAFqYjh/Z8XL7KetyoQ==
                """, hash: .sha256),
        Vector(
            name: "RSA, PSS", algorithm: .rsa(bits: 2048),
            der: """
                MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA2ptF7VJj9TPLlHpobWYmq+22s0cBFpvqZfcHh8CMWRPdFQ2VVIeOZwRH\
                EoLhOCbrFxfe3Kb0WlpEa3uvOzGnsZD3gTfR5Btrm5xvsGKQA8EWYehQUXcm1ecIPRq4xi9hDwFrdqG15cBRAZ9ZaA4dFTLg9KwA\
                lddpy3OtNz8eiWpO4Y3fFTkJxtI1aEY2Kxn9P/ik6G86yWpD+1Xrd2co6AMsE5QO2VertzDZ5vOyqx9XpcFYi1eUwbLlLZq0DlKn\
                JpDnk8UKh+gLGB+OP+lipgjn4zOf19dZc9t7d4Dgw2ILSV4+kntOSSkUYekQ4wU8DvoZm1rmr6CNbb1j2TkfGQIDAQAB
                """,
            signature: """
                Wk/o+8geMztGY840fO2ggE7Js9t6G85lUy5nIzYuKL8RhLRxUAdgKyYZCra6hNPR1gMset2KmCTPRX0Q5scGVj+cF+2jc9eZQG4p\
                e5FElXTjvftaRe7DZPBJTKkOvo6vSLQpnGNN3YZD185EwXcFhs17KVgrF0WyH4yxfMB4h6xUNpILY62YtPMBLEfvaOVDX7fqdlkp\
                gmOVBFrKc3JZZfUmwABvtEKtB9D4KIcIEu567SrYTNe63FNgCzd5XYT+NSgS0LGVyuP5vQfVivZzksj9nHYsbcmviWVnWLfPAY4C\
                cMR6hMrhvITsK5B91d69aVJXbw7fb1pfAnPAiqHXBg==
                """, hash: .sha512, padding: .pss),
    ]

    @Test("a signature of OpenSSL is accepted over the message and over its digest", arguments: vectors)
    func accepted(vector: Vector) throws {
        let key = try PublicKey(der: Base64.decode(vector.der))
        #expect(key.algorithm == vector.algorithm)
        let signature = try Base64.decode(vector.signature)
        try key.verify(signature, of: .bytes(Self.message), hash: vector.hash, padding: vector.padding)
        if let hash = vector.hash {
            try key.verify(
                signature, of: .digest(hash.digest(of: Self.message)), hash: hash, padding: vector.padding)
        } else {
            let error = #expect(throws: KeyError.self) {
                try key.verify(signature, of: .digest(HashAlgorithm.sha256.digest(of: Self.message)))
            }
            #expect(error?.code == .unsupported)
        }
    }

    @Test("a signature with one bit turned, or over another message, is refused", arguments: vectors)
    func refused(vector: Vector) throws {
        let key = try PublicKey(der: Base64.decode(vector.der))
        let signature = try Base64.decode(vector.signature)
        for index in signature.indices {
            var changed = signature
            changed[index] ^= 0x10
            #expect(throws: KeyError.self) {
                try key.verify(changed, of: .bytes(Self.message), hash: vector.hash, padding: vector.padding)
            }
        }
        let error = #expect(throws: KeyError.self) {
            try key.verify(signature, of: .bytes(Self.message + [0]), hash: vector.hash, padding: vector.padding)
        }
        #expect(error?.code == .invalidSignature)
    }

    @Test(
        "an RSA key takes a digest of each hash function without ending the process", arguments: HashAlgorithm.allCases)
    func foreignDigests(hash: HashAlgorithm) throws {
        let vector = Self.vectors[4]
        let key = try PublicKey(der: Base64.decode(vector.der))
        let signature = try Base64.decode(vector.signature)
        for padding in [RSAPadding.pkcs1v15, .pss] where hash != .sha256 || padding != .pkcs1v15 {
            let error = #expect(throws: KeyError.self) {
                try key.verify(
                    signature, of: .digest(hash.digest(of: Self.message)), hash: hash, padding: padding)
            }
            #expect(error?.code == .invalidSignature)
        }
        let error = #expect(throws: KeyError.self) {
            try key.verify(signature, of: .digest(HashAlgorithm.sha512.digest(of: Self.message)))
        }
        #expect(error?.code == .unsupported)
    }

    @Test("a key in PKCS #1 is the same key as in SubjectPublicKeyInfo")
    func pkcs1() throws {
        let key = try PublicKey(der: Base64.decode(Self.vectors[4].der))
        // The RSAPublicKey is what the bit string holds.
        let inner = Array(key.der.dropFirst(24))
        #expect(try PublicKey(pem: Array(PEM(label: "RSA PUBLIC KEY", bytes: inner).text.utf8)) == key)
        #expect(try PublicKey(pem: Array(key.pem.utf8)) == key)
    }

    @Test("an RSA key of 1,024 bits is called weak")
    func weak() throws {
        let der = try Base64.decode(
            """
            MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDeOs9RFXbPc+ikDLeAnePDB45ZFiwDMNFFboLVgZvc3PT41IqpnU1s02X/dFJi\
            ouKT/fPG4Y6pTOCsKd77tkgt7iivXmjwIsm8aw9i/lw8sXz6lWOrGsTIBh9mGY12+JsW6VEBNUTbW42rPJvWZkDV2xN03jE3sAVq\
            +T9Ii4JAxwIDAQAB
            """)
        let error = #expect(throws: KeyError.self) { try PublicKey(der: der) }
        #expect(error?.code == .weak)
    }

    @Test("every truncation of a key is refused", arguments: vectors)
    func truncated(vector: Vector) throws {
        let der = try Base64.decode(vector.der)
        for count in 0..<der.count {
            #expect(throws: KeyError.self) { try PublicKey(der: Array(der[..<count])) }
        }
        #expect(throws: KeyError.self) { try PublicKey(der: der + [0]) }
    }
}
