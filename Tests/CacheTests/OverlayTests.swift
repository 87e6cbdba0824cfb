import Bytes
import Cache
import Host
import SystemPackage
import TestKit
import Testing

/// Captures of what overlay file systems leave in their upper directory.
@Suite struct OverlayTests {
    private func makeUpper(_ script: String, in directory: TemporaryDirectory) async throws -> Bool {
        let made = try await ChildProcess.run(
            ["/bin/sh", "-ec", "mkdir upper; cd upper; \(script)"], workingDirectory: directory.path, outputLimit: 1000,
            timeLimit: .seconds(60))
        return made.isSuccess
    }

    private func lower(_ store: ContentStore, _ directory: TemporaryDirectory) async throws -> Digest {
        try directory.write("1", to: "lower/a/one")
        try directory.write("2", to: "lower/a/two")
        try directory.write("3", to: "lower/b/three")
        try directory.write("4", to: "lower/four")
        return try await store.capture(directory["lower"]).root
    }

    @Test("what was written is laid over the lower tree")
    func merge() async throws {
        let directory = try TemporaryDirectory()
        let store = try ContentStore(directory: directory["cache"])
        let root = try await lower(store, directory)
        try #require(
            await makeUpper("mkdir a c; printf new > a/one; printf 5 > c/five; ln -s x four", in: directory))
        let captured = try await store.capture(directory["upper"], overlayOn: root)
        #expect(
            try store.flatten(captured.root).map(\.path) == ["a/one", "a/two", "b/three", "c/five", "four"])
        #expect(captured.files.map(\.path) == ["a/one", "c/five", "four"])
        #expect(try store.node(at: "four", in: captured.root) == .link("x"))
        #expect(try store.node(at: "a/one", in: captured.root) == .file(.of("new"), size: 3, isExecutable: false))
    }

    @Test("an untouched overlay gives the lower tree")
    func untouched() async throws {
        let directory = try TemporaryDirectory()
        let store = try ContentStore(directory: directory["cache"])
        let root = try await lower(store, directory)
        try #require(await makeUpper("mkdir a", in: directory))
        let captured = try await store.capture(directory["upper"], overlayOn: root)
        #expect(captured.root == root && captured.files.isEmpty && captured.byteCount == 0)
    }

    @Test("a whiteout removes a name", .enabled(if: Machine.effectiveUserID == 0, "needs root to make a device"))
    func whiteout() async throws {
        let directory = try TemporaryDirectory()
        let store = try ContentStore(directory: directory["cache"])
        let root = try await lower(store, directory)
        guard try await makeUpper("mkdir a; mknod a/one c 0 0; mknod b c 0 0", in: directory) else { return }
        let captured = try await store.capture(directory["upper"], overlayOn: root)
        #expect(try store.flatten(captured.root).map(\.path) == ["a/two", "four"])
        #expect(captured.removed == ["a/one", "b"])
        await #expect(throws: CacheError.self) { try await store.capture(directory["upper"]) }
    }

    @Test(
        "an opaque directory hides the lower one, a renamed one is refused",
        .enabled(if: ToolPath.find("setfattr", path: "/usr/bin") != nil, "setfattr is not installed (package attr)"))
    func opaque() async throws {
        let directory = try TemporaryDirectory()
        let store = try ContentStore(directory: directory["cache"])
        let root = try await lower(store, directory)
        guard
            try await makeUpper(
                "mkdir a; printf 9 > a/nine; setfattr -n user.overlay.opaque -v y a", in: directory)
        else { return }
        let captured = try await store.capture(directory["upper"], overlayOn: root)
        #expect(try store.flatten(captured.root).map(\.path) == ["a/nine", "b/three", "four"])
        try Files.removeTree(directory["upper"])
        try #require(await makeUpper("mkdir c; setfattr -n user.overlay.redirect -v /a c", in: directory))
        await #expect(throws: CacheError.self) { try await store.capture(directory["upper"], overlayOn: root) }
    }
}
