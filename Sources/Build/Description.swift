package import Bytes
package import Workspace

/// What a `describe` command tells: a value, and Leeway's template for it.
package struct Description: Sendable {
    package var value: JSON
    /// A Go template.
    package var template: String

    private init(_ value: JSON, template: String) {
        self.value = value
        self.template = template
    }

    /// A package or component.
    package init(of subject: Project.Item, in project: Project) {
        let collection = Collection(project.workspace)
        switch subject {
        case .package(let package): self.init(collection.describe(package), template: Self.packageTemplate)
        case .component(let component): self.init(collection.describe(component), template: Self.componentTemplate)
        }
    }

    /// A script.
    package init(of script: Script, in project: Project) {
        self.init(Collection(project.workspace).describe(script), template: Self.scriptTemplate)
    }

    /// The constants of a component, sorted by name.
    package static func constants(of subject: Project.Item, in project: Project) -> Description {
        let constants = project.workspace.components[subject.componentName]?.constants ?? [:]
        let rows = constants.sorted { $0.key < $1.key }.map { name, value -> JSON in
            ["name": .string(name), "value": .string(value)]
        }
        return Description(
            .array(rows), template: #"{{ range . }}{{ .Name }}:{{"\t"}}{{ .Value }}{{"\n"}}{{ end }}"#)
    }

    /// What git says: the remote, the commit, and whether the packages in question differ from it.
    package static func git(of subject: Project.Item, in project: Project) async throws -> Description {
        let facts = try await SourceFacts(of: project.workspace.root, blobs: project.cache.blobs)
        guard let commit = facts.commit else {
            throw BuildError(.configuration, "\(project.workspace.root) is not in a git repository with a commit")
        }
        let packages: [Package] =
            switch subject {
            case .package(let package): [package]
            case .component(let component): component.packages.compactMap { project.workspace.packages[$0] }
            }
        let value: JSON = [
            "dirty": .bool(packages.contains { facts.isChanged($0) }), "origin": .string(facts.origin ?? ""),
            "commit": .string(commit),
        ]
        return Description(value, template: "dirty:\t{{ .Dirty }}\norigin:\t{{ .Origin }}\ncommit:\t{{ .Commit }}\n")
    }

    /// The text in a format.
    package func text(_ format: Collection.Format) throws -> String {
        try Collection.write(value, format, default: template)
    }

    private static let packageTemplate = #"""
        Name:{{"\t"}}{{ .Metadata.FullName }}
        Version:{{"\t"}}{{ .Metadata.Version }}
        FS safe name:{{"\t"}}{{ .FilesystemSafeName }}
        {{ if .Config -}}
        Configuration:
        {{- range $k, $v := .Config }}
        {{"\t"}}{{ $k }}: {{ $v -}}
        {{ end -}}
        {{ end }}
        {{ if .ArgDeps -}}
        Version Relevant Arguments:
        {{- range $k, $v := .ArgDeps }}
        {{"\t"}}{{ $v -}}
        {{ end -}}
        {{ end }}
        {{ if .Dependencies -}}
        Dependencies:
        {{- range $k, $v := .Dependencies }}
        {{"\t"}}{{ $v.FullName -}}{{"\t"}}{{ $v.Version -}}
        {{ end }}
        Layout:
        {{- range $k, $v := .Layout }}
        {{"\t"}}{{ $k -}}{{"\t"}}{{ $v -}}
        {{ end -}}
        {{ end }}
        {{ if .Manifest -}}
        Sources:
        {{- range $k, $v := .Manifest }}
        {{"\t"}}{{ $k }}{{"\t"}}{{ $v -}}
        {{ end -}}
        {{ end }}

        """#

    private static let componentTemplate = #"""
        Name:{{"\t"}}{{ .Name }}
        Origin:{{"\t"}}{{ .Origin }}
        {{ if .Constants -}}
        Constants:
        {{- range $k, $v := .Constants }}
        {{"\t"}}{{ $k }}: {{ $v -}}
        {{ end -}}
        {{ end }}
        {{ if .Packages -}}
        Packages:
        {{- range $k, $v := .Packages }}
        {{"\t"}}{{ $v.FullName }}{{"\t"}}{{ $v.Version -}}
        {{ end -}}
        {{ end }}

        """#

    private static let scriptTemplate = #"""
        Name:{{"\t"}}{{ .FullName }}
        {{ if .Description }}Description:{{"\t"}}{{ .Description }}{{ end }}
        Type:{{"\t"}}{{ .Type }}
        Workdir Layout:{{"\t"}}{{ .WorkdirLayout }}
        {{ if .Dependencies -}}
        Dependencies:
        {{- range $k, $v := .Dependencies }}
        {{"\t"}}{{ $v -}}
        {{ end -}}
        {{ end }}

        """#
}
