import Bytes
import Host
import SystemPackage
import Testing
import Workspace

@testable import Build

@Suite("Builds of generic packages", .enabled(if: hasSandbox, "bubblewrap is not installed"))
struct GenericBuildTests {
    @Test("a package is built once, and its files, links, directories and programs are its artifact")
    func outputs() async throws {
        let script = """
            mkdir -p d/empty; echo made > d/f; ln -s d/f link; ln -s /nowhere away; printf x > run; chmod 755 run
            """
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(generic("p", sh: script, "srcs: [in.txt]")), "p/in.txt": "in",
        ])
        let first = try await workspace.build("p:p")
        #expect(
            try first.artifact("p:p") == [
                "in.txt": "in", "d": "/", "d/empty": "/", "d/f": "made\n", "link": "-> d/f", "away": "-> /nowhere",
                "run": "*x",
            ])
        #expect(first.ran == ["p:p build"])
        let second = try await workspace.build("p:p")
        #expect(second.outcome.results.values.allSatisfy { $0 == .cached })
        #expect(second.ran.isEmpty)
        #expect(try second.built("p:p").artifact == first.built("p:p").artifact)
    }

    @Test("sources that a step removes, overwrites or replaces with directories are gone from the artifact")
    func removals() async throws {
        let script = """
            rm gone d/gone; echo new > over; rm -r dir; echo file > dir; rm file; mkdir file; echo x > file/x; \
            rm -r again; mkdir again; echo y > again/y
            """
        let workspace = try TestWorkspace([
            "p/BUILD.yaml": packages(generic("p", sh: script, "srcs: ['**']")), "p/gone": "1", "p/d/gone": "2",
            "p/d/kept": "3", "p/over": "4", "p/dir/a": "5", "p/dir/b/c": "6", "p/file": "7", "p/again/old": "8",
        ])
        let built = try await workspace.build("p:p")
        var artifact = try built.artifact("p:p")
        artifact["BUILD.yaml"] = nil
        #expect(
            artifact == [
                "d": "/", "d/kept": "3", "over": "new\n", "dir": "file\n", "file": "/", "file/x": "x\n", "again": "/",
                "again/y": "y\n",
            ])
    }
}
