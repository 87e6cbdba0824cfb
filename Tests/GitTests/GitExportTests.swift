import Git
import Host
import SystemPackage
import TestKit
import Testing

@Suite(.enabled(if: hasGit, "git is not installed"))
struct GitExportTests {
    @Test("a commit's files are written as they are in it, with modes and links, whatever the working tree holds")
    func export() async throws {
        let repository = try await TestRepository()
        // An attribute that would change every byte on a checkout.
        try repository.files.write("* text eol=crlf export-ignore\n", to: ".gitattributes")
        try repository.files.write("one\ntwo\n", to: "sub/a.txt")
        try repository.files.write("#!/bin/sh\n", to: "sub/deep/run", mode: 0o755)
        try Files.symlink("a.txt", at: repository.root.appending("sub/link"))
        try repository.files.write("outside\n", to: "other.txt")
        try await repository.commitAll()
        try repository.files.write("changed\n", to: "sub/a.txt")
        let found = try #require(try await GitRepository.find(at: repository.root.appending("sub")))
        let target = try TemporaryDirectory()
        let commit = try await found.commit("HEAD")
        try await found.export(try await found.tree(of: commit), to: target.path)
        #expect(try target.read("a.txt") == "one\ntwo\n")
        #expect(try Files.status(target["deep/run"])?.isExecutable == true)
        #expect(try Files.readLink(target["link"]) == "a.txt")
        #expect(try Files.list(target.path) == ["a.txt", "deep", "link"])
        #expect(try repository.files.read("sub/a.txt") == "changed\n")
    }
}
