import Host
import SystemPackage
import TestKit
import Testing

@Suite struct DirectoryWalkTests {
    @Test("every file, directory and link is visited once, links are not followed")
    func visits() throws {
        let directory = try TemporaryDirectory()
        try directory.write("1", to: "a/b/file", mode: 0o755)
        try directory.write("22", to: "c")
        try Files.symlink("..", at: directory["a/up"])
        let entries = try DirectoryWalk(directory.path, withStatus: true).entries().sorted { $0.path < $1.path }
        #expect(entries.map(\.path) == ["a", "a/b", "a/b/file", "a/up", "c"])
        #expect(entries.map(\.kind) == [.directory, .directory, .regular, .link, .regular])
        #expect(entries[2].status?.isExecutable == true && entries[4].status?.size == 2)
    }

    @Test("a directory can be left out")
    func prunes() throws {
        let directory = try TemporaryDirectory()
        try directory.write("", to: "skip/file")
        try directory.write("", to: "keep/file")
        var paths: [String] = []
        try DirectoryWalk(directory.path).forEach { entry in
            paths.append(entry.path)
            return entry.path != "skip"
        }
        #expect(paths.sorted() == ["keep", "keep/file", "skip"])
    }

    @Test("a name that is not UTF-8 is refused and shown escaped, or passed over when asked")
    func invalidNames() async throws {
        let directory = try TemporaryDirectory()
        let made = try await ChildProcess.run(
            ["/bin/sh", "-c", "printf x > \"$(printf 'a\\377b')\""], workingDirectory: directory.path,
            outputLimit: 100, timeLimit: .seconds(60))
        try #require(made.isSuccess)
        let error = #expect(throws: HostError.self) { try DirectoryWalk(directory.path).entries() }
        #expect(error?.message.contains(#"a\xffb"#) == true)
        var walk = DirectoryWalk(directory.path)
        walk.onInvalidName = { _, _ in }
        #expect(try walk.entries().isEmpty)
        try Files.removeTree(directory.path)
    }

    @Test("more entries than the limit are refused")
    func limit() throws {
        let directory = try TemporaryDirectory()
        for index in 0..<5 { try directory.write("", to: "\(index)") }
        var walk = DirectoryWalk(directory.path)
        walk.entryLimit = 4
        #expect(code { _ = try walk.entries() } == .tooLarge)
    }

    @Test("a directory nested too deeply is refused")
    func depth() throws {
        let directory = try TemporaryDirectory()
        try Files.createDirectories(
            directory[Array(repeating: "d", count: DirectoryWalk.depthLimit + 2).joined(separator: "/")])
        #expect(code { _ = try DirectoryWalk(directory.path).entries() } == .input)
    }
}
