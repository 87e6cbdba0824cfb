import Bytes
import TUF
import Testing

/// Which role is heard about which path.
@Suite struct DelegationTests {
    private func find(_ path: String, in repository: TestRepository, limits: TUFLimits = TUFLimits()) async throws
        -> String?
    {
        let updater = Updater(
            anchor: try #require(repository.server.file("1.root.json")), store: MemoryStore(),
            source: repository.server,
            limits: limits)
        let result = try await updater.run(.refresh, targets: [path], at: TestRepository.now)
        return result.files[path].map { String(decoding: $0, as: UTF8.self) }
    }

    private func published(_ build: (inout TestRepository) -> Void) -> TestRepository {
        var repository = TestRepository()
        build(&repository)
        repository.publishRoot()
        repository.publish()
        return repository
    }

    @Test("a role is heard about the paths that were left to it")
    func delegation() async throws {
        let repository = published {
            $0.delegate("npm", scope: .patterns(["registry.npmjs.org/*"]), terminating: true)
            $0.add("keys", at: "registry.npmjs.org/keys.json", role: "npm")
        }
        #expect(try await find("registry.npmjs.org/keys.json", in: repository) == "keys")
    }

    @Test("a role is not heard about other paths")
    func escape() async throws {
        let repository = published {
            $0.delegate("npm", scope: .patterns(["registry.npmjs.org/*"]))
            $0.add("planted", at: "trusted_root.json", role: "npm")
            $0.add("planted", at: "registry.npmjs.org/a/b", role: "npm")
        }
        #expect(try await find("trusted_root.json", in: repository) == nil)
        #expect(try await find("registry.npmjs.org/a/b", in: repository) == nil)
    }

    @Test("a role below another needs the path from both")
    func nestedEscape() async throws {
        let repository = published {
            $0.delegate("outer", scope: .patterns(["a/*"]))
            $0.delegate("inner", from: "outer", scope: .patterns(["*", "*/*"]))
            $0.add("inside", at: "a/x", role: "inner")
            $0.add("outside", at: "b/x", role: "inner")
        }
        #expect(try await find("a/x", in: repository) == "inside")
        #expect(try await find("b/x", in: repository) == nil)
    }

    @Test("the first role that names a path is heard; a terminating one ends the search", arguments: [true, false])
    func order(terminating: Bool) async throws {
        let repository = published {
            $0.delegate("first", scope: .patterns(["x", "y"]), terminating: terminating)
            $0.delegate("second", scope: .patterns(["x", "y"]))
            $0.add("second", at: "x", role: "second")
            $0.add("second", at: "y", role: "second")
            $0.add("first", at: "x", role: "first")
        }
        // Both hold "x"; the repository serves each by its digest.
        #expect(try await find("y", in: repository) == (terminating ? nil : "second"))
    }

    @Test("bins by the hash of the path")
    func hashPrefixes() async throws {
        let prefix = String(Digest.of("some/file").hex.prefix(3))
        let repository = published {
            $0.delegate("bin", scope: .hashPrefixes([prefix]))
            $0.add("binned", at: "some/file", role: "bin")
            $0.add("planted", at: "other", role: "bin")
        }
        #expect(try await find("some/file", in: repository) == "binned")
        #expect(try await find("other", in: repository) == nil)
    }

    @Test("circles end, and too many delegations are an error")
    func circles() async throws {
        let repository = published {
            for index in 0..<40 { $0.delegate("role\(index)", scope: .patterns(["x"])) }
            $0.delegate("role0", from: "role1", scope: .patterns(["x"]))
        }
        await #expect(throws: TUFError.self) { _ = try await find("x", in: repository) }
        var limits = TUFLimits()
        limits.delegations = 64
        #expect(try await find("x", in: repository, limits: limits) == nil)
    }

    @Test("a delegated role that others signed is refused")
    func wrongSigner() async throws {
        let repository = published {
            $0.delegate("npm", scope: .patterns(["x"]))
            $0.delegated["npm"] = [TestSigner("stranger")]
        }
        await #expect(throws: TUFError.self) { _ = try await find("x", in: repository) }
    }

    @Test(
        "patterns match within one component",
        arguments: [
            ("targets/*.tgz", "targets/foo.tgz", true), ("targets/*.tgz", "targets/foo.txt", false),
            ("foo-version-?.tgz", "foo-version-2.tgz", true), ("foo-version-?.tgz", "foo-version-alpha.tgz", false),
            ("*.tgz", "foo.tgz", true), ("*.tgz", "targets/foo.tgz", false), ("foo.tgz", "foo.tgz", true),
            ("foo.tgz", "food.tgz", false), ("*", "", true), ("a[0-9]", "a5", true), ("a[!0-9]", "a5", false),
            ("a[]]", "a]", true), ("a[", "a[", true), ("**b*", "aab", true),
            ("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaa", false),
        ])
    func patterns(_ pattern: String, _ path: String, _ matches: Bool) async throws {
        let repository = published {
            $0.delegate("role", scope: .patterns([pattern]))
            $0.targets["role"]?.targets[path] = TargetFile(length: 0, hashes: FileHashes(sha256: Digest.of("")))
            $0.contents[path] = []
        }
        let name = path.split(separator: "/").last ?? ""
        guard !name.isEmpty, RepositoryPath(path) != nil else { return }
        #expect((try await find(path, in: repository) != nil) == matches)
    }

    @Test(
        "paths that lead out of a repository are refused",
        arguments: ["../x", "/x", "a//b", "a/./b", "a/..", "", "a\nb"])
    func paths(_ path: String) { #expect(RepositoryPath(path) == nil) }

    @Test("names become file names as other clients write them")
    func encoding() {
        #expect(RepositoryPath.encoded("a b/ü~_.-") == "a%20b%2F%C3%BC~_.-")
        #expect(RepositoryPath.encoded("a b/c", keepingSlashes: true) == "a%20b/c")
    }
}
