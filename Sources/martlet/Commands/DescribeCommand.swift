internal import ArgumentParser
internal import Build
internal import Bytes
internal import Host
internal import Workspace

struct DescribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "Tells about a package, a component or a script.",
        discussion: "Example: martlet describe components/server:app -o yaml",
        subcommands: [
            Target.self, Changed.self, Const.self, Dependants.self, Dependencies.self, EnvironmentManifest.self,
            GitInfo.self, Manifest.self, ScriptCommand.self, Tree.self,
        ], defaultSubcommand: Target.self)
}

extension DescribeCommand {
    struct Target: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "target", abstract: "Prints all that is known of a package or component.",
            discussion: "Example: martlet describe components/server:app")

        @Argument(help: "A package or component. Default: the workspace's defaultTarget.")
        var target: String?

        @OptionGroup var format: FormatArguments
        @OptionGroup var workspace: WorkspaceArguments

        func run() async throws {
            let project = try await workspace.open()
            Output.write(try Description(of: try project.subject(target), in: project).text(format.choice))
        }
    }

    struct Changed: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "changed", abstract: "Says by exit status whether a package has to be built.",
            discussion: """
                Example: martlet describe changed components/server:app || martlet build components/server:app

                Exit status: 0 cached, 1 has to be built, 2 something went wrong.
                """)

        @Argument(help: "The package.")
        var target: String

        @Flag(help: "Prints JSON.")
        var json = false

        @OptionGroup var execution: KeyArguments
        @OptionGroup var workspace: WorkspaceArguments

        func run() async throws {
            let isCached: Bool
            do {
                let project = try await workspace.open()
                let package = try project.package(target)
                isCached = try await project.builder(execution.buildOptions, for: [package.name]).isCached(package.name)
                if json {
                    Output.write([
                        "package": .string(package.name.description), "version": .string(package.leewayVersion),
                        "cached": .bool(isCached),
                    ])
                } else {
                    Output.write(
                        "\(package.name)\t\(package.leewayVersion)\t\(isCached ? "cached locally" : "changed")\n")
                }
            } catch {
                Failure.say(Failure.lines("\(error)"))
                throw ExitCode(2)
            }
            if !isCached { throw ExitCode(1) }
        }
    }

    struct Const: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "const", abstract: "Prints the constants of a component.",
            discussion: "Example: martlet describe const components/server")

        @Argument(help: "A component, or a package of it.")
        var target: String?

        @OptionGroup var format: FormatArguments
        @OptionGroup var workspace: WorkspaceArguments

        func run() async throws {
            let project = try await workspace.open()
            Output.write(
                try Description.constants(of: try project.subject(target), in: project).text(format.choice))
        }
    }

    struct Dependants: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dependants", abstract: "Lists the packages that depend on a package.",
            discussion: "Example: martlet describe dependants --transitive components/gitpod-protocol:lib")

        @Argument(help: "The package. Default: the workspace's defaultTarget.")
        var target: String?

        @Flag(name: .shortAndLong, help: "Also those that depend on it through others.")
        var transitive = false

        @Flag(help: "Prints a JSON array.")
        var json = false

        @OptionGroup var workspace: WorkspaceArguments

        func run() async throws {
            let project = try await workspace.open()
            let names = project.workspace.dependants(of: try project.package(target).name, transitive: transitive)
            if json { return Output.write(.array(names.map { .string($0.description) })) }
            Output.write(names.map { "\($0)\n" }.joined())
        }
    }

    struct Dependencies: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dependencies", abstract: "Prints what packages depend on.",
            discussion: "Example: martlet describe dependencies --dot components/server:app | dot -Tsvg > server.svg")

        @Argument(help: "The package. Default: all packages that nothing depends on.")
        var target: String?

        @Flag(help: "Prints a Graphviz graph.")
        var dot = false

        @OptionGroup var workspace: WorkspaceArguments

        func run() async throws {
            let project = try await workspace.open()
            let names = try target.map { [try project.package($0).name] } ?? project.workspace.roots
            Output.write(dot ? project.workspace.dotText(of: names) : project.workspace.dependenciesText(of: names))
        }
    }

    struct EnvironmentManifest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "environment-manifest", abstract: "Prints the tools' versions that are part of every version.",
            discussion: "Example: martlet describe environment-manifest")

        @Flag(help: "Prints a JSON object.")
        var json = false

        @OptionGroup var workspace: WorkspaceArguments

        func run() async throws {
            let manifest = try await workspace.open().workspace.environmentManifest
            if json { Output.write(manifest.json) } else { Output.write(manifest.text) }
        }
    }

    struct GitInfo: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "git-info", abstract: "Prints what git says of a package or component.",
            discussion: "Example: martlet describe git-info components/server:app")

        @Argument(help: "A package or component. Default: the workspace's defaultTarget.")
        var target: String?

        @OptionGroup var format: FormatArguments
        @OptionGroup var workspace: WorkspaceArguments

        func run() async throws {
            let project = try await workspace.open()
            let description = try await Description.git(of: try project.subject(target), in: project)
            Output.write(try description.text(format.choice))
        }
    }

    struct Manifest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "manifest", abstract: "Prints the text whose SHA-1 is a package's Leeway version.",
            discussion: "Example: martlet describe manifest components/server:app")

        @Argument(help: "The package. Default: the workspace's defaultTarget.")
        var target: String?

        @OptionGroup var workspace: WorkspaceArguments

        func run() async throws {
            let project = try await workspace.open()
            Output.write(project.workspace.manifestText(of: try project.package(target).name))
        }
    }

    struct ScriptCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "script", abstract: "Tells about a script.",
            discussion: "Example: martlet describe script dev:install")

        @Argument(help: "The script.")
        var target: String

        @OptionGroup var format: FormatArguments
        @OptionGroup var workspace: WorkspaceArguments

        func run() async throws {
            let project = try await workspace.open()
            Output.write(try Description(of: try project.script(target), in: project).text(format.choice))
        }
    }

    struct Tree: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tree", abstract: "Draws what a package depends on as a tree.",
            discussion: "Example: martlet describe tree components/server:app")

        @Argument(help: "The package. Default: the workspace's defaultTarget.")
        var target: String?

        @OptionGroup var workspace: WorkspaceArguments

        func run() async throws {
            let project = try await workspace.open()
            Output.write(project.workspace.treeText(of: try project.package(target).name))
        }
    }
}
