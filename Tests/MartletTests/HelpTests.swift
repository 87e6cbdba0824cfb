import Host
import SystemPackage
import Testing

/// The help of every command, as files that show in a review what changes for users.
///
/// `MARTLET_UPDATE_GOLDEN=1 swift test --filter HelpTests` writes them again.
@Suite(.enabled(if: TestWorkspace.hasProgram, "the program martlet is not built"))
struct HelpTests {
    static let commands = [
        "", "build", "run", "exec", "rebuild", "release", "collect", "describe", "describe changed", "describe const",
        "describe dependants",
        "describe dependencies", "describe environment-manifest", "describe git-info", "describe manifest",
        "describe script", "describe target", "describe tree", "vet", "vet run", "vet ls", "fmt", "init", "why",
        "affected", "cache", "cache stat", "cache gc", "cache verify", "cache prune", "sign", "attest", "sign-bundle",
        "policy", "policy check", "policy test", "policy explain", "policy evaluate", "policy review", "slsa",
        "slsa-verifier", "slsa-verifier verify-artifact", "slsa-verifier verify-image",
        "slsa-verifier verify-npm-package", "slsa-verifier verify-github-attestation", "slsa-verifier verify-vsa",
        "image", "image lock", "image verify-lock", "image build", "image test",
        "trust", "trust init",
        "trust update", "trust show", "trust export", "trust import", "trust create",
        "authority", "authority init", "authority renew", "authority user", "authority client", "version",
        "serve", "serve run", "serve status", "serve user", "serve gc",
        "verify", "verify-attestation", "verify-bundle", "bundle", "bundle inspect", "bundle explain", "bundle convert",
        "bundle upgrade", "key", "key generate", "key show", "key import", "key export",
        "log", "log search", "log get", "log verify", "log monitor", "log fsck", "log export", "log import",
        "log freeze",
        "oci", "oci fetch", "oci fetch raw", "oci fetch manifest", "oci fetch image", "oci fetch layer",
        "oci fetch file", "oci layer", "oci layer list", "oci layer size", "oci resolve", "oci resolve name",
        "oci resolve descriptor", "oci copy", "oci pull", "oci push", "oci tree", "oci attach", "oci tag", "oci ls",
        "oci diff",
        "sbom", "sbom export", "sbom scan", "who-uses", "tree", "history", "graph", "lineage", "lineage import",
        "lineage status", "lineage rebuild",
    ]
    private static let directory = FilePath(#filePath).removingLastComponent().appending("Golden")
    private static let isUpdating = ChildProcess.environmentVariable("MARTLET_UPDATE_GOLDEN") == "1"

    @Test("the help of a command is as reviewed, and holds an example", arguments: commands)
    func help(_ command: String) async throws {
        let workspace = try TestWorkspace()
        let run = try await workspace.martlet(command.split(separator: " ").map(String.init) + ["--help"])
        #expect(run.status == 0)
        #expect(run.output.contains("Example: "))
        let name = command.isEmpty ? "martlet" : command.split(separator: " ").joined(separator: "-")
        let file = Self.directory.appending("\(name).txt")
        if Self.isUpdating { try Files.write(Array(run.output.utf8), to: file) }
        #expect(try run.output == Files.readText(file, limit: 1 << 20))
    }
}
