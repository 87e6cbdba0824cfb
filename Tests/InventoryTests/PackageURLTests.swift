import Testing

@testable import Inventory

struct PackageURLTests {
    /// Cases of the specification's own test suite.
    static let canonical = [
        "pkg:npm/%40angular/animation@12.3.1", "pkg:golang/google.golang.org/genproto#googleapis/api/annotations",
        "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie",
        "pkg:docker/customer/dockerimage@sha256:244fd47e07d1004f0aed9c?repository_url=gcr.io",
        "pkg:gem/ruby-advisory-db-check@0.12.4", "pkg:maven/org.apache.commons/io@1.3.4",
        "pkg:swift/github.com/Alamofire/Alamofire@5.4.3", "pkg:generic/openssl@1.1.10g",
    ]

    @Test("canonical package URLs read back as they are", arguments: canonical)
    func canonicalForm(_ text: String) throws { #expect(try #require(PackageURL(text)).description == text) }

    @Test(
        "other spellings get the canonical form",
        arguments: [
            ("PKG:NPM/Foo@1", "pkg:npm/foo@1"),
            ("pkg:pypi/Django_Package@1", "pkg:pypi/django-package@1"),
            (
                "pkg:rpm/fedora/curl@7.50.3-1.fc25?distro=fedora-25&Arch=i386&x=",
                "pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&distro=fedora-25"
            ),
            (
                "pkg:github/Package-url/purl-Spec@244fd47e07d1004f0aed9c",
                "pkg:github/package-url/purl-spec@244fd47e07d1004f0aed9c"
            ),
            ("pkg:npm/@s/a@1.0", "pkg:npm/%40s/a@1.0"), ("pkg:npm/@s/a", "pkg:npm/%40s/a"),
            ("pkg:generic/a%20b@1%2B2", "pkg:generic/a%20b@1%2B2"), ("pkg:npm", nil), ("npm/a@1", nil),
            ("pkg:1x/a", nil),
            ("pkg:npm/a%zz", nil), ("pkg:npm/a?b=1&b=2", nil),
        ] as [(String, String?)])
    func normalized(_ text: String, _ expected: String?) {
        #expect(PackageURL(text)?.description == expected)
    }

    @Test("what is read is no longer than what is read when it is written")
    func length() {
        let name = String(repeating: "\u{E9}", count: 1000)
        #expect(PackageURL("pkg:generic/\(name)") == nil)
        let short = PackageURL("pkg:generic/\(name.prefix(500))")
        #expect(short.flatMap { PackageURL($0.description) } == short)
        #expect(short != nil)
    }
}
