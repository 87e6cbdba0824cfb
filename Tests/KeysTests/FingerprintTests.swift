import Bytes
import Keys
import Testing

/// Fingerprints that `ssh-keygen -l` printed for keys that OpenSSL 3.0 and ssh-keygen made.
@Suite struct FingerprintTests {
    static let vectors = [
        (
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEyoKjcQkCPWGextLvOZobFsCtoCRszjcG/Qb9DwDM7v2ZxuspB2gRyYPrEshxObUvCUhi"
                + "kcnQYt1Nm2jaGhwEmw==", "SHA256:v0yRw/EgYyBq0xhqFUdp9BWibaWA4D1M4iPVrFxmlpU"
        ),
        (
            "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEHsFaKSGK7qilY9Ut5ajuYOP2idegbn6BbUlJ/otCuyLSo+SgSk5XkCZneSp+GIGfPuNp4G1B"
                + "eewmAQAWSmpSCprh3wn5dSATMqWeLMcc+4yan3hCAcjiCftW3osdGqJI",
            "SHA256:dMFYpl9Cx0An+dzGUnq4GeEDobvdNHnSCcY9AoLZ6cA"
        ),
        (
            "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAJnYFL1iOJfx+IwnAcQv+8NP154b/Gu7DgfnBEOh95+1YMBaRiVOhUFCZNYI5knrQ+Qnw"
                + "XZSZwYeXNxvbK9ZS0SkAqWZ2oPfTXYkKl2KJPTVVQrYpUe/WP3zKrFIjypmXIjFB9Tm4DYS/LQKq+OKxn5Wx8XBNe/7njV3CYBo8"
                + "9t4gUSo=", "SHA256:Ix+Mb9v3OVReq6/AQ6LYLofgtjzR9J2zN7eX0cei8/o"
        ),
        (
            "MCowBQYDK2VwAyEAnINVon2/lwB+Fwvi7GrIhaUewk5stas7v2OdWMS5hMA=",
            "SHA256:9bo0B4290eIfM930kXcI9hVX6Yfny7UgNEwoSOPDmiM"
        ),
        (
            "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvePDj8Nzp5WMeXjvujexqs6RBgaYTIh6LXtcE6SvCAuY2gT4I+yPgebZ7Wmb"
                + "9mJPNnpkGNrqcdoKjfJF6mf2uZehUCNaum3nIyRTf3A8L5NpOF5Kp6KZdwCQPA4mw/ZQxqIIVWMXklpqBmIlne0cHRmBUGBZgXgj"
                + "AIuvlD0XVYQExtES9wLT8p/ocVrWqh5WXWjaY0mZJ6LKARjNXTtym1x8GCT4Z8QjI4nIsX4/ihXP9O4Suw/XJgAdE8DFxh7GeCrg"
                + "rvwye6Nqf2fD+QuA4hQGw+AJ7o126Cfx9KiqmAupEel1SWgAVj7H+qftRApWfSxrYsGLl7waP9chdLeCKQIDAQAB",
            "SHA256:d/5m2IjoQ/x6hjoxUcC1o2mmOWkRx/57YjfXybjgwo8"
        ),
    ]

    @Test("a key has the fingerprint that ssh-keygen prints", arguments: vectors)
    func fingerprint(der: String, fingerprint: String) throws {
        #expect(try PublicKey(der: Base64.decode(der)).sshFingerprint == fingerprint)
    }

    @Test("keys that SSH does not have have none")
    func absent() throws { #expect(try PrivateKey.generate(.mlDSA65).publicKey.sshFingerprint == nil) }
}
