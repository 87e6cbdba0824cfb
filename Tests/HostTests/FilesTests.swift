import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@Suite struct FilesTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test("a file is written, read and described")
    func roundTrip() throws {
        let path = directory["a"]
        try Files.write([1, 2, 3], to: path, mode: 0o640, durable: true)
        #expect(try Files.read(path, limit: 3) == [1, 2, 3])
        let status = try #require(try Files.status(path))
        #expect(status.kind == .regular && status.size == 3 && status.mode == 0o640 && status.linkCount == 1)
        #expect(try Files.digest(of: path).digest == Digest.of([1, 2, 3]))
        #expect(try Files.list(directory.path) == ["a"])
    }

    @Test("writing replaces the file in one step and leaves no temporary name")
    func replaces() throws {
        let path = try directory.write("old", to: "a")
        try Files.write(Array("new".utf8), to: path)
        #expect(try directory.read("a") == "new")
        #expect(try Files.list(directory.path) == ["a"])
        #expect(throws: HostError.self) { try Files.write([1], to: directory["missing/a"]) }
        try Files.createDirectories(directory["full/x"])
        #expect(throws: HostError.self) { try Files.write([1], to: directory["full"]) }
        #expect(try Files.list(directory.path) == ["a", "full"])
    }

    @Test("a file over the limit is refused as too large and a missing one as not found")
    func limits() throws {
        try directory.write("1234", to: "a")
        #expect(code { _ = try Files.read(directory["a"], limit: 3) } == .tooLarge)
        #expect(code { _ = try Files.read(directory["b"], limit: 3) } == .notFound)
        #expect(code { _ = try Files.read(directory.path, limit: 3) } == .input)
        #expect(try Files.read(directory["a"], limit: 4).count == 4)
        #expect(try Files.read("/proc/self/stat", limit: 4096).count > 10)
    }

    @Test("text that is not UTF-8 is refused")
    func invalidText() throws {
        try Files.write([0xff, 0xfe], to: directory["a"])
        #expect(code { _ = try Files.readText(directory["a"], limit: 10) } == .input)
    }

    @Test("status tells absent from unreachable")
    func absence() throws {
        try directory.write("x", to: "file")
        #expect(try Files.status(directory["none"]) == nil)
        #expect(try Files.status(directory["file/none"]) == nil)
        try Files.symlink("loop", at: directory["loop"])
        #expect(throws: HostError.self) { try Files.status(directory["loop"]) }
        #expect(try Files.status(directory["loop"], followingLinks: false)?.kind == .link)
        #expect(try Files.readLink(directory["loop"]) == "loop")
    }

    @Test("a tree of read-only directories is removed and links in it are not followed")
    func removal() throws {
        try directory.write("kept", to: "outside/kept")
        try directory.write("x", to: "tree/a/b/c")
        try Files.symlink("../outside", at: directory["tree/link"])
        try Files.setMode(directory["tree/a/b"], 0o555)
        try Files.setMode(directory["tree/a"], 0)
        try Files.removeTree(directory["tree"])
        try Files.removeTree(directory["tree"])
        #expect(try Files.list(directory.path) == ["outside"])
        #expect(try directory.read("outside/kept") == "kept")
    }

    @Test("names are listed in the order of their bytes")
    func order() throws {
        for name in ["b", "a", "Z", "é", "a.b", "a-b"] { try directory.write("", to: name) }
        #expect(try Files.list(directory.path) == ["Z", "a", "a-b", "a.b", "b", "é"])
    }

    @Test("directories above are made and an existing file in the way is named")
    func directories() throws {
        try Files.createDirectories(directory["a/b/c"])
        try Files.createDirectories(directory["a/b/c"])
        #expect(try Files.status(directory["a/b/c"])?.kind == .directory)
        try directory.write("x", to: "file")
        #expect(throws: HostError.self) { try Files.createDirectories(directory["file"]) }
        #expect(throws: HostError.self) { try Files.createDirectories(directory["file/sub"]) }
    }

    @Test("an error says what to do")
    func remedy() throws {
        let error = #expect(throws: HostError.self) { try Files.rename(directory["a"], to: directory["b"]) }
        #expect(error?.description.contains("there is no such file") == true)
        #expect(HostError.system("write", 28).code == .noSpace)
        #expect(HostError.system("write", 28).message.contains("free some space"))
    }
}

/// The code of the `HostError` that `body` throws.
func code(_ body: () throws -> Void) -> HostError.Code? {
    do {
        try body()
        return nil
    } catch { return (error as? HostError)?.code }
}
