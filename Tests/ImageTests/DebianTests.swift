import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@testable import Image

@Suite(.enabled(if: TestPackage.isPossible, "dpkg-deb is absent"))
struct DebianTests {
    @Test("Versions are ordered as dpkg orders them")
    func versions() throws {
        let ordered = [
            "0~~", "0~~a", "0~", "0", "0a", "0+", "0.1", "1.0~rc1-1", "1.0-1~bpo1", "1.0-1", "1.0-1+b1", "1.0-1.1",
            "1.0a-1",
            "1.2", "1.10", "1:0.1", "2:0",
        ]
        let versions = try ordered.map { try #require(DebianVersion($0)) }
        for (index, left) in versions.enumerated() {
            for (other, right) in versions.enumerated() {
                #expect((left < right) == (index < other), "\(left) and \(right)")
            }
        }
        #expect(try #require(DebianVersion("1.0")).order(to: try #require(DebianVersion("0:1.00-0"))) == 0)
        for wrong in ["", "1 2", "a:1", ":1", "1_2", "-1"] { #expect(DebianVersion(wrong) == nil, "\(wrong)") }
    }

    @Test("Dependencies have alternatives and relations")
    func dependencies() throws {
        let parsed = try DebianDependency.parse("libc6 (>= 2.36), awk | mawk (<< 2) , python3:any")
        #expect(parsed.map { $0.alternatives.map(\.name) } == [["libc6"], ["awk", "mawk"], ["python3"]])
        #expect(parsed[0].alternatives[0].isSatisfied(by: try #require(DebianVersion("2.36-9"))))
        #expect(!parsed[1].alternatives[1].isSatisfied(by: try #require(DebianVersion("2"))))
        #expect(throws: ImageError.self) { try DebianDependency.parse("libc6 (?? 1)") }
    }

    @Test("A paragraph's fields are read without regard to case, and a field may not appear twice")
    func stanza() throws {
        let stanza = try ControlStanza(parsing: Array("Package: a\ndescription: one\n two\n .\n three\n".utf8)[...])
        #expect(stanza["package"] == "a")
        #expect(stanza["Description"] == "one\ntwo\n.\nthree")
        for wrong in ["a: 1\nA: 2\n", " a\n", "nothing\n", ": x\n"] {
            #expect(throws: ParseError.self, "\(wrong)") { try ControlStanza(parsing: Array(wrong.utf8)[...]) }
        }
    }

    @Test("A release without digests, with paths outside or with a line twice is refused")
    func release() throws {
        let line = " \(Digest.of("x").hex) 5 main/binary-amd64/Packages\n"
        let head = "Suite: stable\nDate: Sat, 11 Jan 2025 10:36:00 UTC\n"
        let release = try ReleaseFile(parsing: Array("\(head)SHA256:\n\(line)".utf8))
        #expect(release.date == 1_736_591_760)
        #expect(release.indexes["main/binary-amd64/Packages"]?.size == 5)
        for wrong in [
            head, "\(head)SHA256:\n\(line)\(line)", "\(head)SHA256:\n\(line.replacing("main/", with: "../"))",
            "Suite: stable\nSHA256:\n\(line)", "\(head)SHA256:\n\(line)\nSuite: other\n",
        ] {
            #expect(throws: ImageError.self, "\(wrong)") { try ReleaseFile(parsing: Array(wrong.utf8)) }
        }
    }

    @Test("Packages of every compression are read as dpkg-deb wrote them", arguments: ["xz", "gzip", "zstd", "none"])
    func package(_ compression: String) async throws {
        let made = try await TestPackage(name: "hello", compression: compression).build()
        let package = try DebianPackage(parsing: made)
        #expect(package.name == "hello" && package.version == "1.0-1" && package.architecture == "amd64")
        let file = try #require(package.entries.first { $0.path == "usr/share/hello/greeting" })
        #expect(file.content == Array("hello\n".utf8))
        #expect(file.attributes.mode == 0o640 && file.attributes.owner == 0)
        let link = try #require(package.entries.first { $0.path == "usr/share/hello/link" })
        #expect(link.kind == .link("greeting"))
    }

    @Test("A damaged, cut or extended package is refused, whatever byte it is")
    func damaged() async throws {
        let made = try await TestPackage(name: "hello", compression: "xz").build()
        for count in stride(from: 0, to: made.count - 1, by: 7) {
            #expect(throws: (any Error).self, "\(count) bytes") {
                try DebianPackage(parsing: Array(made.prefix(count)))
            }
            await Task.yield()
        }
        #expect(throws: (any Error).self) { try DebianPackage(parsing: made + Array("tail".utf8)) }
        #expect(throws: (any Error).self) { try DebianPackage(parsing: Array("!<arch>\n".utf8)) }
    }
}

/// Makes small packages with dpkg-deb.
struct TestPackage {
    var name: String
    var version = "1.0-1"
    var architecture = "amd64"
    var compression = "xz"
    var fields: [String] = []
    /// Content by path; the usual files where it is empty.
    var files: [String: String] = [:]

    static let isPossible = ToolPath.find("dpkg-deb", path: "/usr/bin:/bin") != nil

    func build() async throws -> [UInt8] {
        let directory = try TemporaryDirectory()
        let control =
            [
                "Package: \(name)", "Version: \(version)", "Architecture: \(architecture)",
                "Maintainer: Test <t@example.org>",
            ]
            + fields + ["Description: a test\n"]
        try directory.write(control.joined(separator: "\n"), to: "root/DEBIAN/control")
        try Files.setMode(directory["root/DEBIAN"], 0o755)
        if files.isEmpty {
            try directory.write("hello\n", to: "root/usr/share/\(name)/greeting", mode: 0o640)
            try Files.symlink("greeting", at: directory["root/usr/share/\(name)/link"])
            try directory.write("0123 usr/share/\(name)/greeting\n", to: "root/DEBIAN/md5sums")
        }
        for (path, content) in files { try directory.write(content, to: "root/\(path)") }
        let outcome = try await ChildProcess.run(
            [
                "dpkg-deb", "-Z\(compression)", "--root-owner-group", "--build", directory["root"].string,
                directory["out.deb"].string,
            ], environment: ["PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": "1700000000"], outputLimit: 1 << 20,
            timeLimit: .seconds(60))
        guard outcome.isSuccess else { throw HostError(.input, outcome.errorText) }
        return try Files.read(directory["out.deb"], limit: 1 << 24)
    }
}
