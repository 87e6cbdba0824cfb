import Bytes
import TestKit
import Testing

@testable import Workspace

/// The small vectors of specs/build.md section 4.6, measured with Leeway v0.21.1.
@Suite("Leeway versions")
struct VersionTests {
    static let files = [
        "c/BUILD.yaml": """
        packages:
        - name: app
          type: go
          srcs: ["*.go"]
          config:
            packaging: app
        - name: gen
          type: generic
          config:
            commands: [["echo", "${foo}"]]
        """,
        "c/main.go": "package main\n",
    ]

    @Test("a go package has the manifest and the version that Leeway gives it", .enabled(if: isAMD64))
    func goPackage() async throws {
        let package = try await Fixture(Self.files).load().package("c:app")
        #expect(
            package.leewayManifest == """
                buildProcessVersion: 2
                environment: c516c8e77e0a69379d98b37850d85c84b3b720d0d7acd779b9f76ced02f9be38
                definition: 3ed9e497571bf2d45162b7519b4a67f1c5a8d96cfa6fb07ce801cdf943641c59
                c/main.go:3a42479238d67ee326738fa192526f72b5a2e07417b646e36b146c2229fb6fff

                """)
        #expect(package.leewayVersion == "65fc9c19c247662de9d7f26ad5c9541c3815ce11")
    }

    @Test("a package without sources ends its manifest with an empty line", .enabled(if: isAMD64))
    func genericPackage() async throws {
        let package = try await Fixture(Self.files).load().package("c:gen")
        #expect(
            package.leewayManifest == """
                buildProcessVersion: 1
                environment: c516c8e77e0a69379d98b37850d85c84b3b720d0d7acd779b9f76ced02f9be38
                definition: 2c7bce5b50348100dca2c83aa2cd3404750ca432ac92847a11a21880c59ffa7b


                """)
        #expect(package.leewayVersion == "4fde596fe7d5a563b2aa54dc0c9f09776a8cd829")
    }

    @Test("a comment changes the version, indentation does not")
    func comments() async throws {
        func version(_ text: String) async throws -> String {
            try await Fixture(["c/BUILD.yaml": text]).load().package("c:p").leewayVersion
        }
        let plain = try await version("packages:\n- name: p\n  type: generic\n  config:\n    dontTest: true\n")
        let indented = try await version(
            "packages:\n  - name: p\n    type: generic\n    config:\n     dontTest: true\n")
        let commented = try await version(
            "packages:\n- name: p\n  type: generic # hello\n  config:\n    dontTest: true\n")
        #expect(plain == indented)
        #expect(plain != commented)
    }

    static let isAMD64 = EnvironmentManifest.builtIn["arch"] == "amd64"
}
