import Bytes
import Testing

@testable import Inventory

/// Lock files as their formats' documentation and the tools' own output have them; hashes are made up.
struct LockFileTests {
    private func read(
        _ text: String, _ kind: LockFile.Kind, path: String? = nil, siblings: [String: String] = [:]
    ) throws -> LockFile {
        try LockFile(parsing: Array(text.utf8), kind: kind, path: path ?? kind.rawValue) { name in
            siblings[name].map { Array($0.utf8) }
        }
    }

    /// The components that the one of a name needs.
    private func needs(_ file: LockFile, _ name: String) -> [String] {
        guard let index = file.components.firstIndex(where: { $0.name == name }) else { return ["no \(name)"] }
        return file.dependencies[index].map { file.components[$0].name }
    }

    private let sha512 = String(repeating: "A", count: 86) + "=="
    private let sha256 = String(repeating: "ab", count: 32)
    private let commit = "0123456789abcdef0123456789abcdef01234567"

    @Test("go.mod gives the build list, go.sum the hashes, and what has none is said with its line")
    func go() throws {
        let hash = Base64.encode([UInt8](repeating: 7, count: 32))
        let file = try read(
            """
            module example.org/app

            go 1.21

            toolchain go1.22.1

            require (
            \tgithub.com/BurntSushi/toml v1.3.2
            \tgolang.org/x/sys v0.1.0 // indirect
            )

            require "example.org/local" v0.0.0

            replace example.org/local => ../local

            replace golang.org/x/sys v0.1.0 => golang.org/x/sys v0.2.0
            """, .goMod,
            siblings: [
                "go.sum": """
                github.com/BurntSushi/toml v1.3.2 h1:\(hash)
                github.com/BurntSushi/toml v1.3.2/go.mod h1:\(hash)
                golang.org/x/sys v0.1.0 h1:\(hash)

                """
            ])
        #expect(file.components.map(\.name) == ["github.com/BurntSushi/toml", "golang.org/x/sys"])
        #expect(file.components.map(\.version) == ["v1.3.2", "v0.2.0"])
        #expect(file.components.map(\.isDirect) == [true, false])
        #expect(file.components[0].checksums == [.init("h1", hash)])
        #expect(file.components[0].digestSet == ["dirHash1": String(repeating: "07", count: 32)])
        #expect(file.components[0].purl.description == "pkg:golang/github.com/burntsushi/toml@v1.3.2")
        #expect(file.unpinned.map(\.description) == ["go.mod:9: golang.org/x/sys@v0.2.0 has no hash in go.sum"])
        #expect(throws: InventoryError.self) { try read("module x\nfrob y\n", .goMod) }
        #expect(throws: InventoryError.self) { try read("a v1 h1:short\n", .goSum) }
    }

    @Test("package-lock.json of version 3 resolves as Node does, nested packages first")
    func npm3() throws {
        let file = try read(
            """
            {"name": "x", "lockfileVersion": 3, "packages": {
              "": {"dependencies": {"a": "^1"}, "devDependencies": {"@s/b": "1"}},
              "node_modules/a": {"version": "1.0.0", "resolved": "https://r/a.tgz", "integrity": "sha512-\(sha512)",
                "license": "MIT", "dependencies": {"@s/b": "2"}},
              "node_modules/a/node_modules/@s/b": {"version": "2.0.0",
                "resolved": "git+ssh://git@github.com/s/b.git#\(commit)"},
              "node_modules/@s/b": {"version": "1.0.0", "dev": true},
              "node_modules/w": {"resolved": "packages/w", "link": true},
              "packages/w": {"dependencies": {"@s/b": "1"}}
            }}
            """, .npm)
        #expect(
            file.components.map(\.purl.description) == [
                "pkg:npm/a@1.0.0", "pkg:npm/%40s/b@2.0.0", "pkg:npm/%40s/b@1.0.0",
            ])
        #expect(file.dependencies == [[1], [], []])
        #expect(file.components.map(\.isDirect) == [true, false, true])
        #expect(file.components[0].license == "MIT")
        #expect(file.components[1].checksums == [.init("gitCommit", commit)])
        #expect(file.components[2].scope == .development)
        #expect(file.unpinned.map(\.description) == ["package-lock.json:7: @s/b@1.0.0 has no integrity"])
    }

    @Test("package-lock.json of version 1 nests packages in a tree")
    func npm1() throws {
        let file = try read(
            """
            {"lockfileVersion": 1, "dependencies": {
              "a": {"version": "1.0.0", "integrity": "sha512-\(sha512)", "requires": {"b": "2"},
                "dependencies": {"b": {"version": "2.0.0", "integrity": "sha512-\(sha512)", "requires": {"c": "1"}}}},
              "b": {"version": "1.0.0", "integrity": "sha512-\(sha512)"},
              "c": {"version": "1.0.0", "integrity": "sha512-\(sha512)", "dev": true}
            }}
            """, .npm)
        #expect(file.unpinned.isEmpty)
        #expect(needs(file, "a") == ["b"])
        let inner = try #require(file.components.firstIndex { $0.name == "b" && $0.version == "2.0.0" })
        #expect(file.dependencies[inner].map { file.components[$0].name } == ["c"])
        #expect(file.dependencies[0] == [inner])
    }

    @Test("yarn.lock of Yarn 1 knows aliases, quoted patterns and hashes behind addresses")
    func yarn1() throws {
        let file = try read(
            """
            # yarn lockfile v1


            "@s/a@^1.0.0", "@s/a@~1.1":
              version "1.1.0"
              resolved "https://r/a.tgz#\(commit)"
              integrity sha512-\(sha512)
              dependencies:
                b ">=1, <2"
                "@s/c" "1"

            "b@>=1, <2":
              version "1.5.0"
              resolved "https://r/b.tgz#\(commit)"

            "alias@npm:@s/c@1", "@s/c@1":
              version "1.0.0"
              resolved "https://r/c.tgz"

            """, .yarn)
        #expect(file.components.map(\.name) == ["@s/a", "b", "@s/c"])
        #expect(needs(file, "@s/a") == ["b", "@s/c"])
        #expect(file.components[1].checksums == [.init("sha1", commit)])
        #expect(file.components.map(\.isDirect) == [true, false, false])
        #expect(file.unpinned.map(\.line) == [16])
    }

    @Test("yarn.lock of Yarn 4 leaves workspaces out and keeps its checksums as what they are")
    func berry() throws {
        let file = try read(
            """
            __metadata:
              version: 8
              cacheKey: 10c0

            "a@npm:^1.0.0, a@npm:^1.1.0":
              version: 1.10
              resolution: "a@npm:1.10"
              dependencies:
                b: "npm:^2"
              checksum: 10c0/abcd
              languageName: node
              linkType: hard

            "b@npm:^2":
              version: 2.0.0
              resolution: "b@npm:2.0.0"

            "root@workspace:.":
              version: 0.0.0-use.local
              resolution: "root@workspace:."
              dependencies:
                a: "npm:^1.0.0"
            """, .yarn)
        #expect(file.components.map(\.version) == ["1.10", "2.0.0"])
        #expect(file.components[0].checksums == [.init("yarn", "10c0/abcd")])
        #expect(needs(file, "a") == ["b"])
        #expect(file.unpinned.map(\.description) == ["yarn.lock:14: b@2.0.0 has no checksum"])
    }

    @Test("pnpm-lock.yaml of versions 5, 6 and 9 say the same", arguments: ["5.4", "6.0", "9.0"])
    func pnpm(_ version: String) throws {
        let integrity = "resolution: {integrity: sha512-\(sha512)}"
        let text =
            switch version {
            case "5.4":
                """
                lockfileVersion: 5.4
                specifiers:
                  a: ^1.0.0
                dependencies:
                  a: 1.0.0_@s+b@2.0.0
                packages:
                  /@s/b/2.0.0:
                    \(integrity)
                    dev: false
                  /a/1.0.0_@s+b@2.0.0:
                    \(integrity)
                    dependencies:
                      '@s/b': 2.0.0
                """
            case "6.0":
                """
                lockfileVersion: '6.0'
                dependencies:
                  a:
                    specifier: ^1.0.0
                    version: 1.0.0(@s/b@2.0.0)
                packages:
                  /@s/b@2.0.0:
                    \(integrity)
                  /a@1.0.0(@s/b@2.0.0):
                    \(integrity)
                    dependencies:
                      '@s/b': 2.0.0
                """
            default:
                """
                lockfileVersion: '9.0'
                importers:
                  .:
                    dependencies:
                      a:
                        specifier: ^1.0.0
                        version: 1.0.0(@s/b@2.0.0)
                packages:
                  '@s/b@2.0.0':
                    \(integrity)
                  a@1.0.0:
                    \(integrity)
                snapshots:
                  '@s/b@2.0.0': {}
                  a@1.0.0(@s/b@2.0.0):
                    dependencies:
                      '@s/b': 2.0.0
                """
            }
        let file = try read(text, .pnpm)
        #expect(file.components.map(\.purl.description).sorted() == ["pkg:npm/%40s/b@2.0.0", "pkg:npm/a@1.0.0"])
        #expect(needs(file, "a") == ["@s/b"])
        #expect(file.components.filter { $0.isDirect == true }.map(\.name) == ["a"])
        #expect(file.unpinned.isEmpty)
        #expect(throws: InventoryError.self) { try read("lockfileVersion: '12.0'\n", .pnpm) }
    }

    @Test("Package.resolved of versions 1 to 3 names repositories as package URLs do")
    func swift() throws {
        let old = try read(
            """
            {"object": {"pins": [{"package": "NIO", "repositoryURL": "git@github.com:apple/swift-nio.git",
              "state": {"branch": null, "revision": "\(commit)", "version": "2.0.0"}}]}, "version": 1}
            """, .swift)
        let new = try read(
            """
            {"originHash": "x", "pins": [{"identity": "swift-nio", "kind": "remoteSourceControl",
              "location": "https://github.com/apple/swift-nio.git", "state": {"revision": "\(commit)", "version": "2.0.0"}}],
             "version": 3}
            """, .swift)
        for file in [old, new] {
            #expect(file.components.map(\.purl.description) == ["pkg:swift/github.com/apple/swift-nio@2.0.0"])
            #expect(file.components[0].checksums == [.init("gitCommit", commit)])
        }
    }

    @Test("Cargo.lock leaves members of the workspace out and tells two versions of one name apart")
    func cargo() throws {
        let file = try read(
            """
            # This file is automatically @generated by Cargo.
            version = 4

            [[package]]
            name = "app"
            version = "0.1.0"
            dependencies = [
             "rand 0.8.5",
            ]

            [[package]]
            name = "rand"
            version = "0.7.0"
            source = "registry+https://github.com/rust-lang/crates.io-index"
            checksum = "\(sha256)"

            [[package]]
            name = "rand"
            version = "0.8.5"
            source = "git+https://github.com/x/rand?branch=main#\(commit)"
            dependencies = ["rand 0.7.0 (registry+https://github.com/rust-lang/crates.io-index)"]
            """, .cargo)
        #expect(file.components.map(\.version) == ["0.7.0", "0.8.5"])
        #expect(file.dependencies == [[], [0]])
        #expect(file.components.map(\.isDirect) == [false, true])
        #expect(file.components[1].checksums == [.init("gitCommit", commit)])
        #expect(file.components[1].line == 17)
    }

    @Test("requirements.txt counts as pinned with exact versions and hashes alone")
    func requirements() throws {
        let file = try read(
            """
            # comment
            --index-url https://example.org/simple
            Flask_Login[x]==1.0.0 \\
                --hash=sha256:\(sha256) \\
                --hash=sha256:\(sha256)
            requests>=2 ; python_version > "3"
            six==1.16.0  # no hash
            pip @ https://example.org/pip-1.0.whl#sha256=\(sha256)
            -r other.txt
            ./local.whl
            star==1.*
            """, .requirements)
        #expect(file.components.map(\.name) == ["flask-login", "requests", "six", "pip", "star"])
        #expect(file.components[0].checksums.count == 2)
        #expect(file.unpinned.map(\.line) == [6, 7, 9, 10, 11])
    }

    @Test("poetry.lock and uv.lock give every file of a release with its hash")
    func python() throws {
        let poetry = try read(
            """
            [[package]]
            name = "Django"
            version = "4.2"
            files = [
                {file = "Django-4.2.whl", hash = "sha256:\(sha256)"},
                {file = "Django-4.2.tar.gz", hash = "sha256:\(sha256)"},
            ]

            [package.dependencies]
            sqlparse = {version = ">=0.3.1", markers = "x"}

            [[package]]
            name = "sqlparse"
            version = "0.4"
            files = []

            [metadata]
            lock-version = "2.0"
            """, .poetry)
        #expect(poetry.components.map(\.name) == ["django", "sqlparse"])
        #expect(poetry.components[0].checksums.map(\.file) == ["Django-4.2.whl", "Django-4.2.tar.gz"])
        #expect(needs(poetry, "django") == ["sqlparse"])
        #expect(poetry.unpinned.map(\.line) == [12])
        let uv = try read(
            """
            version = 1
            [[package]]
            name = "app"
            version = "0.1"
            source = { virtual = "." }
            dependencies = [{ name = "anyio", marker = "x" }]
            [[package]]
            name = "anyio"
            version = "4.0"
            source = { registry = "https://pypi.org/simple" }
            sdist = { url = "https://f/anyio-4.0.tar.gz", hash = "sha256:\(sha256)", size = 1 }
            wheels = [{ url = "https://f/anyio-4.0.whl", hash = "sha256:\(sha256)" }]
            """, .uv)
        #expect(uv.components.map(\.name) == ["anyio"])
        #expect(uv.components[0].isDirect == true)
        #expect(uv.components[0].checksums.map(\.file) == ["anyio-4.0.tar.gz", "anyio-4.0.whl"])
    }

    @Test("Pipfile.lock, composer.lock, Gemfile.lock and gradle.lockfile are read")
    func others() throws {
        let pipfile = try read(
            #"{"default": {"A.b": {"version": "==1.0", "hashes": ["sha256:\#(sha256)"]}, "c": {"version": "*"}}}"#,
            .pipfile)
        #expect(pipfile.components.map(\.purl.description) == ["pkg:pypi/a-b@1.0", "pkg:pypi/c"])
        #expect(pipfile.unpinned.count == 2)
        let composer = try read(
            #"""
            {"packages": [{"name": "a/b", "version": "v1.0", "dist": {"type": "zip", "url": "u", "shasum": ""},
              "source": {"reference": "\#(commit)"}, "require": {"php": ">7", "c/d": "*"}, "license": ["MIT", "GPL-2.0-only"]}],
             "packages-dev": [{"name": "c/d", "version": "2.0", "require": []}]}
            """#, .composer)
        #expect(composer.components[0].license == "(MIT OR GPL-2.0-only)")
        #expect(needs(composer, "a/b") == ["c/d"])
        #expect(composer.unpinned.map(\.name) == ["c/d@2.0"])
        let gemfile = try read(
            """
            GEM
              remote: https://rubygems.org/
              specs:
                rack (2.2.3)
                rails (7.0.1-java)
                  rack (~> 2.2, >= 2.2.0)

            DEPENDENCIES
              rails (~> 7)!

            CHECKSUMS
              rack (2.2.3) sha256=\(sha256)

            """, .gemfile)
        #expect(needs(gemfile, "rails") == ["rack"])
        #expect(gemfile.components.map(\.isDirect) == [false, true])
        #expect(gemfile.unpinned.map(\.line) == [5])
        let gradle = try read("# x\norg.a:b:1.0=runtimeClasspath\nempty=\n", .gradle)
        #expect(gradle.components.map(\.purl.description) == ["pkg:maven/org.a/b@1.0"])
    }

    @Test("dpkg's status leaves removed packages out and knows source packages")
    func dpkg() throws {
        let file = try read(
            """
            Package: libc6
            Status: install ok installed
            Architecture: amd64
            Source: glibc
            Version: 2.36-9+deb12u4
            Depends: libgcc-s1,
             libcrypt1 (>= 1:4.4) | other:any
            Description: x
             y

            Package: libcrypt1
            Status: install ok installed
            Architecture: amd64
            Version: 1:4.4.33-2
            Source: libxcrypt (4.4.33)

            Package: gone
            Status: deinstall ok config-files
            Version: 1

            """, .dpkgStatus, path: "var/lib/dpkg/status")
        #expect(
            file.components.map(\.purl.description) == [
                "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64", "pkg:deb/debian/libcrypt1@1:4.4.33-2?arch=amd64",
            ])
        #expect(
            file.components.map(\.sourcePackage) == [
                .init(name: "glibc", version: "2.36-9+deb12u4"), .init(name: "libxcrypt", version: "4.4.33"),
            ])
        #expect(needs(file, "libc6") == ["libcrypt1"])
        #expect(throws: InventoryError.self) { try read("nothing\n", .dpkgStatus) }
    }

    @Test("locks of Debian packages are read, martlet's own and those of rules_distroless")
    func debianLocks() throws {
        let own = try read(
            """
            {"format": "martlet image lock", "version": 1, "images": [{"architecture": "amd64", "packages": [
              {"name": "tzdata", "version": "2025a-1", "architecture": "all", "digest": "sha256:\(sha256)", "size": 3,
               "filename": "pool/t.deb", "source": "tzdata", "archive": 0, "index": 0}]}]}
            """, .debianLock, path: "base.lock.json")
        #expect(own.components.map(\.purl.description) == ["pkg:deb/debian/tzdata@2025a-1?arch=all"])
        #expect(own.components[0].checksums == [.init("sha256", sha256)])
        let other = try read(
            """
            {"packages": [
              {"arch": "amd64", "dependencies": [{"key": "b"}], "key": "a", "name": "a", "sha256": "\(sha256)",
               "urls": ["https://x/a.deb"], "version": "1"},
              {"arch": "amd64", "dependencies": [], "key": "b", "name": "b", "urls": [], "version": "2"}], "version": 1}
            """, .debianLock)
        #expect(needs(other, "a") == ["b"])
        #expect(other.unpinned.map(\.name) == ["b@2"])
        #expect(try read("{}", .debianLock).components.isEmpty)
    }

    @Test("files are recognised by name")
    func names() {
        #expect(LockFile.Kind(path: "a/b/go.sum") == .goSum)
        #expect(LockFile.Kind(path: "var/lib/dpkg/status.d/base") == .dpkgStatus)
        #expect(LockFile.Kind(path: "var/lib/dpkg/status.d/base.md5sums") == nil)
        #expect(LockFile.Kind(path: "status") == nil)
        #expect(LockFile.Kind(path: "requirements-dev.txt") == .requirements)
        #expect(LockFile.Kind(path: "dpkg status") == nil)
    }

    @Test("cut off anywhere, a lock file is refused or read, and never ends the program")
    func truncated() async throws {
        let text = """
            [[package]]
            name = "a\\u00e9"
            version = '''x'''
            files = [{a.b = 1, c = [1, 2]}, 1979-05-27T07:32:00Z, 1e3, true]
            """
        for count in 0..<text.utf8.count {
            for kind in LockFile.Kind.allCases {
                _ = try? LockFile(parsing: Array(text.utf8.prefix(count)), kind: kind, path: "x")
            }
            await Task.yield()
        }
    }
}
