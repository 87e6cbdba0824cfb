internal import ArgumentParser
internal import Build
internal import Host
internal import SystemPackage
internal import Workspace

struct FormatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fmt", abstract: "Formats BUILD.yaml files.",
        discussion: """
            Example: martlet fmt -i components/server/BUILD.yaml

            Without files all BUILD.yaml files of the workspace are formatted. Without -i the text is printed. Exit \
            status: 0 formatted, 2 a file can't be read.
            """)

    @Argument(help: "Files.")
    var files: [String] = []

    @Flag(name: .shortAndLong, help: "Writes the files instead of printing them.")
    var inPlace = false

    @Flag(
        name: .shortAndLong,
        help: "Also sorts dependencies and renames old package types, which changes Leeway versions.")
    var fix = false

    @OptionGroup var workspace: WorkspaceArguments

    func run() async throws {
        let formatting = BuildFileFormatting(isInPlace: inPlace, isFixing: fix)
        if files.isEmpty {
            Output.write(try formatting.format(try await workspace.open()))
        } else {
            for file in files { Output.write(try formatting.format(FilePath(file))) }
        }
    }
}
