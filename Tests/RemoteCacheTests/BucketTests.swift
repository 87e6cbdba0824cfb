import Bytes
import Host
import SystemPackage
import TestKit
import Testing
import Wire

@testable import RemoteCache

@Suite("Buckets")
struct BucketTests {
    /// The example of "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)": GET Object.
    @Test("the signature of Amazon's example comes out")
    func signature() throws {
        var signer = BucketSigner(
            credentials: BucketCredentials(
                id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), region: "us-east-1")
        signer.clock = { 1_369_353_600 }
        var request = HTTPRequest(
            .get, try HTTPURL("https://examplebucket.s3.amazonaws.com/test.txt"), fields: ["Range": "bytes=0-9"])
        signer.sign(&request, payload: .of([]))
        #expect(request.fields["x-amz-date"] == "20130524T000000Z")
        #expect(
            request.fields["Authorization"]
                == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        )
    }

    @Test(
        "addresses of buckets",
        arguments: [
            ("cache", "https://cache.s3.eu-central-1.amazonaws.com/"),
            ("cache/a/b/", "https://cache.s3.eu-central-1.amazonaws.com/a/b/"),
            ("cache.example.org/a", "https://s3.eu-central-1.amazonaws.com/cache.example.org/a/"),
            ("cache?region=us-west-2&style=path", "https://s3.us-west-2.amazonaws.com/cache/"),
            ("cache/a?endpoint=http://127.0.0.1:9000", "http://127.0.0.1:9000/cache/a/"),
            ("cache?endpoint=https://s3.example:8443&style=virtual", "https://cache.s3.example:8443/"),
        ])
    func addresses(_ text: String, _ url: String) throws {
        let bucket = try RemoteAddress.Bucket(text) { RemoteCacheError(.configuration, $0) }
        #expect(try bucket.url(["AWS_REGION": "eu-central-1"]).text == url)
    }

    @Test("credentials come from the environment, else from the profile in the files")
    func credentials() throws {
        let files = try TemporaryDirectory()
        try files.write(
            """
            # comment
            [default]
            aws_access_key_id = ID
            aws_secret_access_key=SECRET=
            [other]
            aws_access_key_id = OTHER
            aws_secret_access_key = S2
            aws_session_token = T
            """, to: ".aws/credentials")
        try files.write("[default]\nregion = eu-west-1\n[profile other]\nregion=eu-west-2\n", to: ".aws/config")
        let home = ["HOME": files.path.string]
        #expect(BucketCredentials.find(home) == BucketCredentials(id: "ID", secret: "SECRET="))
        #expect(BucketCredentials.region(home) == "eu-west-1")
        let other = home.merging(["AWS_PROFILE": "other"]) { $1 }
        #expect(BucketCredentials.find(other) == BucketCredentials(id: "OTHER", secret: "S2", sessionToken: "T"))
        #expect(BucketCredentials.region(other) == "eu-west-2")
        let variables = home.merging(["AWS_ACCESS_KEY_ID": "V", "AWS_SECRET_ACCESS_KEY": "W"]) { $1 }
        #expect(BucketCredentials.find(variables) == BucketCredentials(id: "V", secret: "W"))
        #expect(BucketCredentials.find(["HOME": "/nowhere"]) == nil)
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", "ftp://x/y", "s3://", "s3://AB/c", "s3://ab", "s3://cache/a b", "s3://cache?color=red",
            "s3://cache?region",
            "oci://", "http://", "https://u:p@example.org/x", "https://example.org/?q", "file://host/x",
        ])
    func wrongAddresses(_ text: String) {
        #expect(throws: RemoteCacheError.self) { try RemoteAddress(text, in: "/") }
    }

    @Test("messages about an address show no password")
    func secrets() {
        #expect { try RemoteAddress("https://user:secret@example.org/x", in: "/") } throws: { error in
            !"\(error)".contains("secret")
        }
    }
}
