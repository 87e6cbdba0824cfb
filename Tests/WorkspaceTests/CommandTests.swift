import Bytes
import Host
import TestKit
import Testing

@testable import Workspace

@Suite("Command texts")
struct CommandTests {
    static let files = [
        "c/BUILD.yaml": """
        const: {team: red}
        packages:
        - {name: a, type: generic, deps: [":b", "d:x"], config: {commands: [[cat, c--b/file, d--y/file]]}}
        - {name: b, type: generic, deps: ["d:x"]}
        scripts:
        - {name: s, description: says hello, script: echo hello}
        """,
        "d/BUILD.yaml": "packages:\n  - name: x\n    type: generic\n    srcs: [f]\n",
        "d/f": "1",
    ]

    @Test("collect lists names and versions, a tab between them")
    func collect() async throws {
        let workspace = try await Fixture(Self.files).load()
        let version = try workspace.package("d:x").leewayVersion
        let collection = Collection(workspace)
        #expect(try collection.text(.packages, selector: "team=blue") == "")
        #expect(try collection.text(.packages).split(separator: "\n").last ?? "" == "d:x\t\(version)")
        #expect(try collection.text(.components) == "c\nd\n")
        #expect(try collection.text(.components, selector: "team=red") == "c\n")
        #expect(try collection.text(.scripts) == "c:s\tsays hello\n")
        #expect(try collection.text(.files).hasPrefix("d/f\t"))
        #expect(try collection.text(.components, format: .json).contains(#""constants":{"team":"red"}"#))
        #expect(try collection.text(.scripts, format: .yaml).contains("fullName: c:s"))
    }

    @Test(
        "templates give what Go's text/template gives",
        arguments: [
            ("{{ range . }}{{ .Name }},{{ end }}", "a,b,"),
            ("{{ range $i, $x := . }}{{ $i }}={{ $x.Name }} {{ end }}", "0=a 1=b "),
            ("{{ len . }}{{- /* gone */ -}}  !", "2!"),
            ("{{ with index . 0 }}{{ .Name | printf \"%-3s|\" }}{{ end }}", "a  |"),
            ("{{ range . }}{{ if eq .Name \"a\" }}A{{ else if eq .Name \"b\" }}B{{ else }}?{{ end }}{{ end }}", "AB"),
            ("{{ range . }}{{ if and .Tags (not .Off) }}{{ .Tags }}{{ end }}{{ end }}", "[x y]"),
            ("{{ $n := 0 }}{{ range . }}{{ $n = .Size }}{{ end }}{{ $n }}", "2"),
            ("{{ range .  -}} {{ .Missing }} {{- end }}", "<no value><no value>"),
            ("{{ range . }}{{ range .Tags }}{{ . }}{{ else }}none{{ end }};{{ end }}", "xy;none;"),
            ("{{ print 1 2 \"a\" }}{{ `\\n` }}", "1 2a\\n"),
        ])
    func templates(template: String, expected: String) throws {
        let value: JSON = [
            ["name": "a", "tags": ["x", "y"], "off": false, "size": 1],
            ["name": "b", "tags": [], "off": true, "size": 2],
        ]
        #expect(try GoTemplate(template).render(value) == expected)
    }

    @Test(
        "broken templates are refused",
        arguments: ["{{", "{{ end }}", "{{ if . }}", "{{ nope . }}", "{{ \"a }}", "{{ template \"x\" }}", "{{ ( . }}"])
    func brokenTemplates(template: String) {
        #expect(throws: WorkspaceError.self) { try GoTemplate(template).render([]) }
    }

    @Test("trees and graphs show each package's dependencies once")
    func trees() async throws {
        let workspace = try await Fixture(Self.files).load()
        let name = PackageName(component: "c", name: "a")
        #expect(
            workspace.treeText(of: name) == """
                WORKSPACE
                └── c:a
                    ├── c:b
                    │   └── d:x
                    └── d:x

                """)
        #expect(workspace.roots == [name])
        #expect(workspace.dotText(of: [name]).split(separator: "\n").count == 2 + 3 + 3)
        #expect(workspace.dependants(of: PackageName(component: "d", name: "x")).map(\.description) == ["c:a", "c:b"])
        #expect(throws: WorkspaceError.self) { try workspace.package(named: "c:aa") }
        #expect(try workspace.constant("team", of: "c") == "red")
    }

    @Test("vet finds places that no dependency is put in, and unformatted files")
    func vet() async throws {
        let fixture = try Fixture(Self.files)
        let workspace = try await fixture.load()
        let findings = Vet.run(workspace)
        #expect(findings.contains { $0.check == "generic:use-package" && $0.message.contains("d--y/file") })
        #expect(!findings.contains { $0.message.contains("c--b/file") })
        #expect(findings.filter { $0.check == "component:fmt" }.map(\.component) == ["c"])
        #expect(Vet.run(workspace, checks: ["go:has-gomod"]).isEmpty)
        withExtendedLifetime(fixture) {}
    }

    @Test("fmt indents by two, and sorts deps and renames old types only when it is asked to fix")
    func formatter() throws {
        let text = "packages:\n- name: p\n  deps: [b, a] # why\n"
        let plain = try Formatter.format(Array(text.utf8), file: "BUILD.yaml")
        #expect(String(decoding: plain, as: UTF8.self) == "packages:\n  - name: p\n    deps: [b, a] # why\n")
        let fixed = try Formatter.format(Array(text.utf8), file: "BUILD.yaml", fixing: true)
        #expect(String(decoding: fixed, as: UTF8.self) == "packages:\n  - name: p\n    deps: [a, b] # why\n")
        #expect(try Formatter.format(fixed, file: "BUILD.yaml") == fixed)
        let old = Array("packages:\n  - name: p\n    type: typescript # why\n".utf8)
        #expect(try Formatter.format(old, file: "BUILD.yaml") == old)
        let new = try Formatter.format(old, file: "BUILD.yaml", fixing: true)
        #expect(String(decoding: new, as: UTF8.self) == "packages:\n  - name: p\n    type: yarn # why\n")
    }

    @Test("init adds a package to a new or an existing file, and what it writes loads")
    func initializer() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("", to: "WORKSPACE.yaml")
        try directory.write("x", to: "c/data.txt")
        let place = directory["c"]
        #expect(Initializer.suggestedType(in: place) == .generic)
        let first = try Initializer.adding("one", type: .generic, in: place, existing: nil)
        let second = try Initializer.adding("two", type: .go, in: place, existing: first)
        #expect(throws: WorkspaceError.self) {
            try Initializer.adding("two", type: .go, in: place, existing: second)
        }
        try Files.write(second, to: directory["c/BUILD.yaml"])
        let workspace = try await Workspace.load(root: directory.path, options: Fixture.options())
        #expect(workspace.errors.isEmpty)
        #expect(workspace.order.map(\.description) == ["c:one", "c:two"])
        #expect(try workspace.package("c:one").sources.map(\.path) == ["c/data.txt"])
    }
}
