import Testing
import Wire

/// Addresses and what surrounds them.
@Suite struct HTTPURLTests {
    @Test(
        "an address is read",
        arguments: [
            ("https://Example.ORG", "https://example.org/", "example.org", 443),
            ("http://example.org:8080/a?b#c", "http://example.org:8080/a?b", "example.org", 8080),
            ("HTTPS://example.org:443?q", "https://example.org/?q", "example.org", 443),
            ("http://[::1]:99/", "http://[::1]:99/", "::1", 99), ("http://[::1]", "http://[::1]/", "::1", 80),
        ])
    func reading(_ text: String, _ normal: String, _ host: String, _ port: Int) throws {
        let url = try HTTPURL(text)
        #expect(url.text == normal)
        #expect(url.host == host)
        #expect(url.port == port)
    }

    @Test(
        "what is no address, or holds credentials, is refused",
        arguments: [
            "", "example.org", "ftp://x/", "http://", "http:///x", "http://u:p@x/", "http://x:0/", "http://x:99999/",
            "http://x y/", "http://x/\r\nHost: y", "http://[::1/", "http://[x]/", "http://ü/", "http://x:8a/",
        ])
    func refused(_ text: String) { #expect(throws: WireError.self) { try HTTPURL(text) } }

    /// The examples of RFC 3986 section 5.4 that have a meaning here.
    @Test(
        "references are resolved",
        arguments: [
            ("g", "/b/c/g"), ("./g", "/b/c/g"), ("g/", "/b/c/g/"), ("/g", "/g"), ("?y", "/b/c/d;p?y"),
            ("g?y", "/b/c/g?y"),
            ("g#s", "/b/c/g"), (";x", "/b/c/;x"), ("", "/b/c/d;p?q"), (".", "/b/c/"), ("./", "/b/c/"), ("..", "/b/"),
            ("../g", "/b/g"), ("../..", "/"), ("../../g", "/g"), ("../../../g", "/g"), ("/./g", "/g"), ("/../g", "/g"),
            ("g.", "/b/c/g."), ("..g", "/b/c/..g"), ("./g/.", "/b/c/g/"), ("g;x=1/../y", "/b/c/y"),
            ("g?y/../x", "/b/c/g?y/../x"), ("http://a/x", "/x"), ("//a/y", "/y"),
        ])
    func resolving(_ reference: String, _ target: String) throws {
        let url = try HTTPURL("http://a/b/c/d;p?q").resolving(reference)
        #expect(url.text == "http://a\(target)")
    }

    @Test("a redirect to a scheme that is not the web's is refused")
    func otherScheme() throws {
        let url = try HTTPURL("https://a/")
        for reference in ["file:///etc/passwd", "javascript:x", "ftp://x/"] {
            #expect(throws: WireError.self) { try url.resolving(reference) }
        }
    }

    @Test(
        "where a secret may be sent",
        arguments: [
            ("https://example.org/", true), ("http://example.org/", false), ("http://127.0.0.1:80/", true),
            ("http://localhost/", true), ("http://[::1]/", true), ("http://127.evil.example/", false),
            ("http://localhost.example/", false), ("http://127.0.0.1.example/", false),
        ])
    func confidential(_ text: String, _ isConfidential: Bool) throws {
        let url = try HTTPURL(text)
        #expect(url.isConfidential == isConfidential)
    }

    @Test("a path goes below an address")
    func appending() throws {
        let (plain, slashed) = (try HTTPURL("https://a/b"), try HTTPURL("https://a/b/?x"))
        #expect(try plain.appending("c/d").text == "https://a/b/c/d")
        #expect(try slashed.appending("c").text == "https://a/b/c")
    }

    @Test(
        "who is reached without the proxy",
        arguments: [
            ("example.org", true), ("www.example.org", true), ("notexample.org", false), ("inner.net", false),
            ("a.inner.net", true), ("b.star.net", true), ("port.net", true), ("10.0.0.1", true), ("localhost", true),
            ("127.0.0.9", true), ("other.net", false),
        ])
    func noProxy(_ host: String, _ isDirect: Bool) throws {
        let settings = ProxySettings(environment: [
            "https_proxy": "proxy.net:3128",
            "NO_PROXY": "example.org, .inner.net,*.star.net,port.net:443,other.net:8443,10.0.0.1",
        ])
        let proxy = try settings.proxy(for: HTTPURL("https://\(host)/"))
        #expect((proxy == nil) == isDirect)
        if let proxy { #expect((proxy.host, proxy.port) == ("proxy.net", 3128)) }
    }

    @Test("a request's header is not taken for a proxy, and a wrong proxy is an error where it is needed")
    func strangeProxies() throws {
        let cgi = ProxySettings(environment: ["HTTP_PROXY": "http://evil", "REQUEST_METHOD": "GET"])
        #expect(try cgi.proxy(for: HTTPURL("http://x/")) == nil)
        let wrong = ProxySettings(environment: ["HTTPS_PROXY": "gopher://x"])
        #expect(try wrong.proxy(for: HTTPURL("http://x/")) == nil)
        #expect(throws: WireError.self) { try wrong.proxy(for: HTTPURL("https://x/")) }
        let socks = ProxySettings(environment: ["ALL_PROXY": "socks5://x"])
        #expect(try socks.proxy(for: HTTPURL("https://x/"))?.port == 1080)
    }
}
