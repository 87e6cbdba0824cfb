import Attest
import Bytes
import Testing

@Suite("martlet's own statements")
struct ProvenanceFactsTests {
    static func facts() -> ProvenanceFacts {
        var facts = ProvenanceFacts(
            packageName: "components/web:app", packageType: "go", actionKey: Digest.of("key"),
            inputs: Digest.of("inputs"), inputCount: 3, sandbox: "full",
            builder: .init(version: "1.0.0", digest: Digest.of("martlet")))
        facts.subjects = [
            Subject(name: "components-web--app.tar.gz", digest: Digest.of("artifact")),
            Subject(name: "web", digest: Digest.of("web")),
        ]
        facts.arguments = ["version": "7", "npm_token": "s3cr3t-value"]
        facts.source = .init(
            origin: "https://user:pw@git.example.org/team/repo.git", commit: String(repeating: "ab", count: 20),
            ref: "refs/heads/main", directory: "sub")
        facts.dependencies = [.init(name: "components/lib:lib", digest: Digest.of("lib"))]
        facts.tools = [.init(name: "go", digest: Digest.of("go"), version: "go1.26")]
        facts.fetched = [.init(uri: "https://proxy.example.org/m.zip", digest: Digest.of("m"))]
        facts.images = [.init(uri: "oci://example.org/base:1", digest: Digest.of("base"))]
        facts.locked = [.init(uri: "pkg:npm/a@1.0.0", digest: ["sha512": "00"])]
        facts.environment = ["os": "linux", "arch": "amd64"]
        facts.metadata = .init(
            startedOn: Timestamp("2026-01-02T03:04:05Z"), finishedOn: Timestamp("2026-01-02T03:04:06.5Z"))
        facts.redactor = Redactor(arguments: facts.arguments)
        return facts
    }

    @Test("every field is where docs/formats/provenance.md says")
    func golden() throws {
        let text = Self.facts().statement.json.text(indented: true)
        let artifact = Digest.of("artifact").hex
        #expect(text.contains(#""_type": "https://in-toto.io/Statement/v1""#))
        let json = Self.facts().statement.json
        #expect(json["subject"]?[0]?["digest"]?["sha256"]?.stringValue == artifact)
        let definition = json["predicate"]?["buildDefinition"]
        #expect(definition?["buildType"]?.stringValue == "https://martlet.dev/build/v1")
        #expect(definition?["externalParameters"]?["arguments"] == ["npm_token": "[redacted]", "version": "7"])
        let dependencies = definition?["resolvedDependencies"]?.arrayValue ?? []
        #expect(
            dependencies.map { $0["annotations"]?["role"]?.stringValue }
                == ["source", "inputs", "package", "tool", "fetched", "image", "locked"])
        #expect(dependencies.first?["uri"]?.stringValue == "git+https://git.example.org/team/repo.git")
        #expect(dependencies.first?["digest"] == ["gitCommit": .string(String(repeating: "ab", count: 20))])
        #expect(dependencies[2]["uri"]?.stringValue == "martlet:package/components/lib:lib")
        let builder = json["predicate"]?["runDetails"]?["builder"]
        #expect(
            builder?["id"]?.stringValue == "https://martlet.dev/builder:1.0.0@sha256:" + Digest.of("martlet").hex)
        #expect(builder?["version"] == ["martlet": "1.0.0"])
        #expect(!text.contains("s3cr3t"))
        #expect(!text.contains("user:pw"))
    }

    @Test("equal facts give equal bytes, whatever the order they were found in")
    func deterministic() {
        var shuffled = Self.facts()
        shuffled.tools = [.init(name: "node", digest: Digest.of("n")), .init(name: "go", digest: Digest.of("g"))]
        var sorted = Self.facts()
        sorted.tools = shuffled.tools.reversed()
        #expect(shuffled.statement.payload == sorted.statement.payload)
    }

    @Test("what is written reads back")
    func roundTrip() throws {
        var facts = Self.facts()
        facts.changedInputs = [.init(path: "ü x/BUILD.yaml", digest: Digest.of("b"), reason: "modified")]
        let statement = try Statement(parsing: facts.statement.payload)
        #expect(statement == facts.statement)
        #expect(try Provenance(statement.predicate) == facts.provenance)
        let view = try ProvenanceView(Envelope(statement))
        #expect(view.isMartletBuild)
        #expect(view.entryPoint == "components/web:app")
        #expect(view.sandbox == "full")
        #expect(view.cacheOrigin == "built")
        #expect(view.materials(.changed).map(\.uri) == ["martlet:input/%C3%BC%20x/BUILD.yaml"])
        #expect(view.materials(.source).first?.annotations["clean"]?.boolValue == false)
        #expect(view.finishedOn?.description == "2026-01-02T03:04:06.5Z")
    }

    @Test("Leeway's shape says the same without claiming to be Leeway")
    func leeway() throws {
        let facts = Self.facts()
        let command = ["martlet", "build", "-Dnpm_token=s3cr3t-value", "-D", "version=7", "//:x"]
        let envelope = LeewayProvenance(facts, commandLine: command).envelope
        let text = String(decoding: envelope.payload, as: UTF8.self)
        #expect(text.hasPrefix("{\n  \"_type\": \"https://in-toto.io/Statement/v0.1\",\n  \"predicateType\""))
        #expect(!text.contains("s3cr3t"))
        let view = try ProvenanceView(envelope)
        #expect(view.format == .v0_2)
        #expect(view.entryPoint == "components/web:app")
        #expect(view.subjects.map(\.name) == ["/components-web--app.tar.gz", "/web"])
        #expect(view.builder.name == MartletBuild.builderName)
        #expect(view.materials.map(\.uri) == ["git+https://git.example.org/team/repo.git"])
        #expect(
            view.parameters["args"]?.arrayValue?.map(\.stringValue) == [
                "martlet", "build", "-Dnpm_token=[redacted]", "-D", "version=7", "//:x",
            ])
        var changed = facts
        changed.changedInputs = [.init(path: "WORKSPACE.yaml", digest: Digest.of("w"), reason: "modified")]
        let dirty = try ProvenanceView(LeewayProvenance(changed, commandLine: command).envelope)
        #expect(dirty.materials.map(\.uri) == ["file://WORKSPACE.yaml"])
    }
}

@Suite("Secrets")
struct RedactorTests {
    @Test(
        "names that look secret",
        arguments: [
            "token", "NPM_TOKEN", "githubToken", "db-password", "SIGNING_KEY", "signingKey", "api.key", "apikey",
            "AWS_SECRET",
            "credentials", "passphrase", "key", "gh_pat", "basicAuth",
        ])
    func secretNames(name: String) { #expect(Redactor.looksSecret(name)) }

    @Test(
        "names that do not",
        arguments: [
            "version", "keyboard", "monkey", "author", "path", "compass", "imageRepoBase", "SEGMENT_IO", "spinner",
        ])
    func plainNames(name: String) { #expect(!Redactor.looksSecret(name)) }

    @Test("command lines lose secrets in every spelling")
    func commandLines() {
        let redactor = Redactor(arguments: ["custom": "hunter22", "token": "abcd"], secretNames: ["custom"])
        let line = [
            "martlet", "build", "-Dtoken=abcd", "-D", "custom=hunter22", "--build-arg=api_key=x=y", "--password", "p",
            "--build-arg", "a=b=c", "see-hunter22-here", "--token", "--save", "out", "https://u:p@h/x",
        ]
        #expect(
            redactor.redact(commandLine: line) == [
                "martlet", "build", "-Dtoken=[redacted]", "-D", "custom=[redacted]", "--build-arg=api_key=[redacted]",
                "--password", "[redacted]", "--build-arg", "a=b=c", "see-[redacted]-here", "--token", "--save", "out",
                "https://h/x",
            ])
    }

    @Test("a secret value is found wherever substitution has put it, and a short one does not eat numbers")
    func values() {
        let redactor = Redactor(arguments: ["token": "abcd1234", "pin": "1"])
        let json: JSON = [
            "commands": [["curl", "-H", "X: abcd1234"]], "count": "10", "one": "1", "env": ["KEY": "zz"],
        ]
        #expect(
            redactor.redact(json) == [
                "commands": [["curl", "-H", "X: [redacted]"]], "count": "10", "one": "[redacted]",
                "env": ["KEY": "[redacted]"],
            ])
    }

    @Test("credentials in URLs")
    func urls() {
        let cases = [
            ("https://user:pw@h/x", "https://h/x"), ("https://tok@h:8/x", "https://h:8/x"),
            ("git+https://t@h/x", "git+https://h/x"),
            ("ssh://git:pw@h/x", "ssh://git@h/x"), ("ssh://git@h/x", "ssh://git@h/x"), ("git@h:team/x", "git@h:team/x"),
            ("https://h/a@b", "https://h/a@b"), ("HTTPS://a@b@h/", "HTTPS://h/"), ("plain", "plain"),
            ("file:///a@b", "file:///a@b"),
        ]
        for (url, expected) in cases { #expect(URLCredentials.removed(from: url) == expected) }
    }
}

@Suite("Moments")
struct TimestampTests {
    @Test("moments are read and written as RFC 3339 has them")
    func roundTrip() {
        let cases: [(String, Int64, String)] = [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            ("2022-06-10T13:23:28.18099525Z", 1_654_867_408, "2022-06-10T13:23:28.18099525Z"),
            ("2000-02-29T23:59:59+01:00", 951_865_199, "2000-02-29T22:59:59Z"),
            ("1969-12-31t23:59:59.5z", -1, "1969-12-31T23:59:59.5Z"),
            ("0000-01-01T00:00:00Z", -62_167_219_200, "0000-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59Z", 253_402_300_799, "9999-12-31T23:59:59Z"),
        ]
        for (text, seconds, written) in cases {
            let moment = Timestamp(text)
            #expect(moment?.seconds == seconds)
            #expect(moment?.description == written)
        }
    }

    @Test(
        "other text is no moment",
        arguments: [
            "", "2022", "2022-06-10", "2022-06-10T13:23:28", "2022-13-10T13:23:28Z", "2022-02-30T13:23:28Z",
            "2022-06-10T24:00:00Z", "2022-06-10T13:23:28.Z", "2022-06-10T13:23:28Zx", "2022-06-10 13:23:28Z",
            "2023-02-29T00:00:00Z",
        ])
    func refused(text: String) { #expect(Timestamp(text) == nil) }
}
