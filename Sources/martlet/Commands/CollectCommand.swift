internal import ArgumentParser
internal import Build
internal import Workspace

struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collect", abstract: "Lists what a workspace has.", discussion: "Example: martlet collect packages"
    )

    @OptionGroup var workspace: WorkspaceArguments

    func run() async throws {
        let project = try await Project.open(try workspace.projectOptions())
        for (name, package) in project.workspace.packages.sorted(by: { $0.key < $1.key }) {
            print("\(name)\t\(package.leewayVersion)")
        }
    }
}
