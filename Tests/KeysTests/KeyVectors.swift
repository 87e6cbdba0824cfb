import Bytes
import Keys
import Testing

/// Private keys that OpenSSL 3.0 wrote, and two that cosign did. They sign nothing but tests.
enum KeyVectors {
    static let passphrase = "open sesame"

    /// `openssl ecparam -name prime256v1 -genkey`.
    static let p256SEC1 = """
        -----BEGIN EC PARAMETERS-----
        BggqhkjOPQMBBw==
        -----END EC PARAMETERS-----
        -----BEGIN EC PRIVATE KEY-----
        MHcCAQEEIO9NT5r8e8BOW9A/aJoJo4IIdHRFYcXqf8usCL/5Cl8noAoGCCqGSM49
        AwEHoUQDQgAEVervgyRqVIqHtHkiS6soaG1fd7A+uCqix6mbcINh9l1e5fpMrCck
        ca+BNdC+FbiCY3O0Xy5s9PAjkEs8q1S2Pw==
        -----END EC PRIVATE KEY-----
        """

    /// `openssl pkcs8 -topk8 -nocrypt` of the same key.
    static let p256PKCS8 = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg701Pmvx7wE5b0D9o
        mgmjggh0dEVhxep/y6wIv/kKXyehRANCAARV6u+DJGpUioe0eSJLqyhobV93sD64
        KqLHqZtwg2H2XV7l+kysJyRxr4E10L4VuIJjc7RfLmz08COQSzyrVLY/
        -----END PRIVATE KEY-----
        """

    /// `openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256` of the same key.
    static let p256PBKDF2 = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAheOndjWkQEqgICCAAw
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEED8IWlHtQxCrhmXbA1JR7DsEgZCe
        27PDvykdtbDB2JfUz2z5Fc4K74o1xC322nXanYOjb6RsK633ZHLEt2j+grZDlo34
        pD/Dxt/JUj9F7gL5liM2nWW8WvQc2/pzHfEM0zqsNbBd+txNhZzi1OKyJdv802tS
        98zne1bLT3VRBH5gUxgWID2e0stRXGw7jeANRy7XWt0Ii3QLeBLm7XB3x09Tz44=
        -----END ENCRYPTED PRIVATE KEY-----
        """

    /// `openssl pkcs8 -topk8 -v2 aes-128-cbc -v2prf hmacWithSHA1` of the same key, with an empty passphrase.
    static let p256PBKDF2SHA1 = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHeMEkGCSqGSIb3DQEFDTA8MBsGCSqGSIb3DQEFDDAOBAjT6SN/rJEEwQICCAAw
        HQYJYIZIAWUDBAECBBB+97tyaG4eykRiVsIPMR4TBIGQCxV4jLx2a9/8c4VnWBbr
        HSahSjFnkaJ1Nf7c510gRzkUzgKrVEu9utmIFLRP50hO1ZjaQoUfGdRFBs/gY33J
        QlCX8+DzVkt1812oW5zwSlUxM5FxIlyDk7Kjf3/llbQCyvrwd4Hly6MOyp384F+0
        M8Alxl4zaNGC/Pgj7GARboLSSS5CrX1ehpzM+X6vjicu
        -----END ENCRYPTED PRIVATE KEY-----
        """

    /// `openssl pkcs8 -topk8 -scrypt -scrypt_N 1024` of the same key.
    static let p256Scrypt = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHkME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAhg/uJjryA2gQICBAAC
        AQgCAQEwHQYJYIZIAWUDBAEqBBBRU2jUfiJv3NIDe8Sg3jBGBIGQ4zl9VK09S2kC
        WK9HNMUq27KpQwJFst6NWwmSh7Is75o+hn3jWF6oduh44NiDbMvcD6VnaFnDuuU+
        l4+UUBa+B7rMvq1C0LfHDfNqmMMSSjaznUTkBua+phdYVlfDmMNQZBbfnnoLYdM0
        tTMmMev58cIyhghe1cZYjvCncqIP9GiwXAvvpwNRFfj1pVSofTQ3
        -----END ENCRYPTED PRIVATE KEY-----
        """

    /// `openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES` of the same key.
    static let p256PKCS5 = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIGxMBwGCiqGSIb3DQEMAQMwDgQI+sjp2YMTdacCAggABIGQMsRGEVoi3ltix64f
        V55/BkfHgME4zSKifMDgQ4meIx4kEzpomPLYlbT+8q9t787x3kTot1bhsVB7nF97
        xABeZ0/SEvLlDri4EhYV2ugrKKg4dWxDqKCnjQ87wfWrCbwYjofEclsp8J01ph9Q
        k6JXOwntgitoPaydXyMYfToGsCGpWwre+rmzON6BHh9cxUr4
        -----END ENCRYPTED PRIVATE KEY-----
        """

    /// `openssl pkcs8 -topk8 -v2 des3` of the same key.
    static let p256TripleDES = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHjME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAjbVo/6VVEFYwICCAAw
        DAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQIl2TeGdXiDX4EgZASTELIKSRto65b
        SDv8uu5MkIEb/QqftPIhRvRGluEBarz2kA2DZN3PoHaHjLkHiw2hojMKiZA90SJw
        9DLiOLDqqr7CE/58N9L08ojC7Fikaiy1vKDQcmYFTtYzgzm9DPjSR6qCUvGxl0UF
        RktQF6RxYsjCqXXSYMULAWrjNH7cGucymt3gyZRhxsYDksi22iw=
        -----END ENCRYPTED PRIVATE KEY-----
        """

    /// `openssl ec -aes128` of the same key.
    static let p256Traditional = """
        -----BEGIN EC PRIVATE KEY-----
        Proc-Type: 4,ENCRYPTED
        DEK-Info: AES-128-CBC,2A14F3E04F386E250C882A1E12F30A62

        IGR3kgHx1OrTWgjOZhCE5hUQO67d2pwevkhgHsBSrZGjJbVsWA/AaQV94RFsi0CL
        ML2R/H1uysrHZdfOUpastN6VprKukE7o8XzBw0/az5Ly4rVt95BiWwCLZKfzyPd3
        qp7lIHIO5JPsarCbp2ZnmTZTs0cBbYmbxVICkfzRUvc=
        -----END EC PRIVATE KEY-----
        """

    /// The public key of all of them.
    static let p256Public = """
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVervgyRqVIqHtHkiS6soaG1fd7A+uCqix6mbcINh9l1e5fpMrCckca+BNdC+FbiCY3O0Xy5s\
        9PAjkEs8q1S2Pw==
        """

    /// `openssl genpkey -algorithm ed25519`.
    static let ed25519 = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEIJzBOoUPZ+gT+tqf49v1Cwkv+rlGXppEQj7zRM85zIX0
        -----END PRIVATE KEY-----
        """
    static let ed25519Public = "MCowBQYDK2VwAyEAZRlsf8r6SJujdTpEvdeQ2Qm5dc3YDLI/IqYmivbRL50="

    /// `openssl genrsa -traditional 2048`, the base64 text on fewer lines.
    static let rsa = """
        -----BEGIN RSA PRIVATE KEY-----
        MIIEpAIBAAKCAQEAvIQ3ZsJBE1iw5fEnSz7BiDxhW4q6lhxwY3fWfoQFMdvby/vVOgS7h7KNtQZIUG3Gp/Nk7ZzzWG/4LQmsG4xQwPra
        fj5ifuQq9LBNlmhVmYxHZyr8yMS4eEAuzsjVnuDT7S8iau+esIW+rGbbkxOVOIOuC3qysgS2tD0dWJKW7MP7xS9KgLZMAZ69HC5lg/Ut
        2W1qrDfi1VWyhapTy8Pjf6KCaMQRcEQiXMZobwSPC/XDbQaGyJZX5xiU5uuIpFH6nAQ9tPtv0SZqwvkGLT6PAiboHetxFkOpg1oNSIfB
        REPXAFOcTqEjAzGHTkwqhhJWJYbIhohjNKHoReODkwOGbwIDAQABAoIBAAW0fUtk0ZIDpcbaV3Vq1ByKseo9S+GYbBD2jXfisu2MA8jW
        juC58prsB7x/ZizY8Ewg4jW2rD6e6i8ivcyk9cSr/XTDRTkl2o7xJEf1pwbbPJtIrRcTrP7RTRlWRptk88TtH5OGO5KIBE80sFcbyUZJ
        OzkpthgLwHkP6GrHyj18Bj5B1pS4Dtp+zAvFD4w82WaWC4pOELAIDN+FR6pZAuW/qeerO06rYJ0VM0+KRiCc2JFLseeJZcK3B2WUdhSp
        BZtRgVX5jg/wGiG1tf4HUE7rd3O7vbuil7+fKPc1KTcfO2VgG6SH6+OvNvud2kMG9SfM2Lr8XqGp0ne9F52Bp5ECgYEA4SDpe/uHpo+s
        URozyTNcZltWmL+STuLrltrX1MYD2N44NgYAXeIrAYnUuEQWOu8K5f6qgowqxwqeTCU2phNC6X+D0OosG7+aHI97D63nHQ3qWqHlBgHR
        W46RiT0DCIvg+1/lxcN3iMQPfJbqQ/DuzKxd4/6Wul7wMUymft9q1JMCgYEA1l4Lh0jdTDm3EDRvCfKUF9m3490fYhx748o1/U52IrZs
        1qs+ipubEiLSqMIAyUkFj3N9E7z7yoAhNSUG71RWSDnJkcZkcvCn1ScI+QbJ2UU9MW2AKZcHbGPt3zYC0R8+pl5+DmTXHKnzfQ5bjHXU
        xvzRDYM9xwi/5WlVMiUa7DUCgYEAn2MMyxGOvZbUmeriJR2u2mzqR2TCMgWoY/p2ehbjXGQgCed/1PguGH270+Wok3rwDVua3qhcFOVo
        o2JpaXUTl3sHGR7hsZeahYPzzWsCyGg0towOOI2K6rZqRW6juiZGV9JSPAyikXq1uDCklQt8Ff4mzydNEY/roAuziPmmie8CgYEAw6eC
        ji+LDA+BbmDtF/83+6zTkj44bqvgx7/AFzqNyJEINcaGhqwPlTYDX9PyM8VaNdwKxQEwL1tS89afxcEMH0/fEhYpiF7uUDYYknIHuS7g
        80QmPc+DDwMGETySxZvm6qJEG48eZyMXAYUhOcoyMox9of+vWwI5Y4IIKISFViECgYAxhaMUhbSf7ySeo2ac84ug/5Ldz0/fiGxrO25J
        xuHm8bEk2F4CYchm/1+MIS7qzPH0COSvKsCnembd/GNQO7FlK/P4nYW4BQB4E5FhZecHEvi+ftB6piZIgnvbzuoD/L3DbnuiDnJ5cDz9
        pYtBcYwBR1CmT7wejDZGodcgvcZ2kg==
        -----END RSA PRIVATE KEY-----
        """
    static let rsaID = "6e082ea0a449c47cdf4a9bd63e1a35615be716acd874a01dabfeac024c4660cd"

    /// Made by cosign 1 with an empty passphrase: the test key of edgelesssys/constellation.
    static let cosign1 = """
        -----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----
        eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjozMjc2OCwiciI6
        OCwicCI6MX0sInNhbHQiOiJlRHVYMWRQMGtIWVRnK0xkbjcxM0tjbFVJaU92eFVX
        VXgvNi9BbitFVk5BPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
        Iiwibm9uY2UiOiJwaWhLL2txNmFXa2hqSVVHR3RVUzhTVkdHTDNIWWp4TCJ9LCJj
        aXBoZXJ0ZXh0Ijoidm81SHVWRVFWcUZ2WFlQTTVPaTVaWHM5a255bndZU2dvcyth
        VklIeHcrOGFPamNZNEtvVjVmL3lHRHR0K3BHV2toanJPR1FLOWdBbmtsazFpQ0c5
        a2czUXpPQTZsU2JRaHgvZlowRVRZQ0hLeElncEdPRVRyTDlDenZDemhPZXVSOXJ6
        TDcvRjBBVy9vUDVqZXR3dmJMNmQxOEhjck9kWE8yVmYxY2w0YzNLZjVRcnFSZzlN
        dlRxQWFsNXJCNHNpY1JaMVhpUUJjb0YwNHc9PSJ9
        -----END ENCRYPTED COSIGN PRIVATE KEY-----
        """
    static let cosign1Public = """
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEu78QgxOOcao6U91CSzEXxrKhvFTtJHNy+eX6EMePtDm8CnDF9HSwnTlD0itGJ/XHPQA5YX10\
        fJAqI1y+ehlFMw==
        """

    /// Made by cosign 2 with an empty passphrase: a test key of conforma/cli. scrypt works with N = 65536 here.
    static let cosign2 = """
        -----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
        eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
        OCwicCI6MX0sInNhbHQiOiJLYU9OQzduQVJLOVgxM1FoaWFucjAwTTBGYys2Sitr
        dnAxN1FuanpiVk9nPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
        Iiwibm9uY2UiOiJVOHZqWWtqMlZOUFZGdlZFZWZ3bXZ5VGloUERrelBoaCJ9LCJj
        aXBoZXJ0ZXh0IjoidWNWMnQ4TTZVNFJvb29FOXc0d3dkc3E1RDYrS2RKY245dERT
        KzFwRDRGN040SVJOWEgzSTBua3h1a3NackFOUHR1emIvTkVYQ201dUp3Zjh3Qzl1
        VlprbXdwNU5jRUZ6b3ZNS3JCZmNvdXdjaEkrMzkrQ0NhbVZPbzBucmRnZjhvcmpK
        dXdrWDBYL1phY0RUTERGaUxyc1laMWVMMmlqMGU1MVRpZmVQNTl4WXNPK1FnM1Jv
        OURRVjNQMk9ndDFDaVFHeGg1VXhUZytGc3c9PSJ9
        -----END ENCRYPTED SIGSTORE PRIVATE KEY-----
        """
}
