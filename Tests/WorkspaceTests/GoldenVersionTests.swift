import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@testable import Workspace

/// The Leeway versions of gitpod-io/gitpod at commit 4f45d02eac95a253e9031c5f651e62585f6c9d3b, measured with Leeway
/// v0.21.1 (specs/build.md section 16).
@Suite("Golden Leeway versions")
struct GoldenVersionTests {
    /// A checkout of that commit, which is too large for this repository.
    static let checkout: FilePath? = {
        var places = [ChildProcess.environmentVariable("MARTLET_GITPOD")]
        if let data = ChildProcess.environmentVariable("MARTLET_DATA") { places.append(data + "/gitpod") }
        let package = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        places.append(package.removingLastComponent().appending("shared/data/gitpod").string)
        return places.compactMap { $0 }.map { FilePath($0) }.first {
            (try? Files.exists($0.appending("WORKSPACE.yaml"))) == true
        }
    }()

    static let hasNode = ToolPath.find("node", path: ChildProcess.environmentVariable("PATH") ?? "/usr/bin") != nil

    @Test(
        "all 249 versions of gitpod are Leeway's",
        .enabled(if: checkout != nil, "set MARTLET_GITPOD to a checkout of gitpod-io/gitpod at 4f45d02e to run this"),
        .enabled(if: hasNode, "node is needed to run BUILD.js"))
    func gitpod() async throws {
        let root = try #require(Self.checkout)
        var options = WorkspaceOptions()
        options.probe = { probe in
            switch probe.name {
            case "go": "go version go1.24.9 linux/amd64\n"
            case "arch": "amd64\n"
            case "node": "v22.22.0\n"
            case "yarn": "1.22.22\n"
            default: throw WorkspaceError(.unknownName, "an entry that the pinned environment doesn't have")
            }
        }
        let workspace = try await Workspace.load(root: root, options: options)
        #expect(workspace.errors.isEmpty)
        let list = workspace.order.map { "\($0) \(workspace.packages[$0]?.leewayVersion ?? "")\n" }.joined()
        let golden = FilePath(#filePath).removingLastComponent().appending("Golden/gitpod-versions.txt")
        #expect(list == (try Files.readText(golden, limit: 1 << 20)))
        #expect(Digest.of(list).hex == "cdb2812cac6f0cc519801401d6fa8897ad999527845a6c02efe35b5863b515a2")
        #expect(workspace.components.count == 111)
        #expect(workspace.scripts.count == 38)
        #expect(
            workspace.environmentManifest.text
                == "arch: amd64\ngo: go version go1.24.9 linux/amd64\nnode: v22.22.0\nos: linux\nyarn: 1.22.22\n")
        #expect(
            SourceHashing.leewayHash(Array(workspace.environmentManifest.text.utf8))
                == "eef732b019e4d99f6e27713d40c78f0d7c27f0713ad806890df50c60ba182c6e")
    }
}
