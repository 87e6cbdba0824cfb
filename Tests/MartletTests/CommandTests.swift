import Bytes
import Host
import TestKit
import Testing

/// These start the program, so each takes longer than a unit test.
@Suite(.enabled(if: TestWorkspace.hasProgram, "the program martlet is not built"))
struct CommandTests {
    @Test("collect lists packages, components, scripts, files and variants")
    func collect() async throws {
        let workspace = try TestWorkspace()
        let packages = try await workspace.martlet("collect")
        #expect(packages.status == 0)
        #expect(packages.names == ["app:app", "app:other", "lib:lib"])
        #expect(packages.output.split(separator: "\n").allSatisfy { $0.split(separator: "\t").last?.count == 40 })
        let template = #"{{ range . }}{{ .Metadata.FullName }}{{"\t"}}{{ .Metadata.Version }}{{"\n"}}{{ end }}"#
        #expect(try await workspace.martlet("collect", "-t", template).output == packages.output)
        #expect(try await workspace.martlet("collect", "-l", "layer").names == ["lib:lib"])
        #expect(try await workspace.martlet("collect", "components").names == ["app", "lib"])
        #expect(
            try await workspace.martlet("collect", "scripts").names == [
                "app:fail", "app:inside", "app:open", "app:show",
            ])
        #expect(try await workspace.martlet("collect", "files").names == ["app/src/one.txt", "lib/a.txt"])
        #expect(try await workspace.martlet("collect", "variants").output == "")
        let selected = try await workspace.martlet("collect", "-l", "layer=base", "-o", "json")
        #expect(selected.json?[0]?["metadata"]?["fullName"] == "lib:lib")
        #expect(try await workspace.martlet("collect", "-t", "{{ len . }}").output == "3")
        let yaml = try await workspace.martlet("collect", "components", "-o", "yaml")
        #expect(yaml.output.hasPrefix("- name: app\n"))
    }

    @Test("errors in BUILD files are shown with their place, and a list that is not whole exits with 2")
    func diagnostics() async throws {
        let workspace = try TestWorkspace()
        try workspace.write(
            "packages:\n  - name: bad\n    type: generic\n    deps: [\"no:such\"]\n", to: "bad/BUILD.yaml")
        let list = try await workspace.martlet("collect")
        #expect(list.status == 2)
        #expect(list.error.contains("bad/BUILD.yaml:2: error: bad:bad depends on 'no:such'"))
        // What does not need it can be built all the same.
        #expect(try await workspace.martlet("build", "--dry-run", "app:app").status == 0)
        let build = try await workspace.martlet("build", "--dry-run", "bad:bad")
        #expect(build.status == 2)
        let place = "martlet: bad/BUILD.yaml:2: "
        #expect(build.error.contains(place + "an error in the workspace's files must be mended first"))
    }

    @Test("Leeway's ways to write a command line work, and options without effect are warned of")
    func leeway() async throws {
        let workspace = try TestWorkspace()
        let plain = try await workspace.martlet("collect", "components")
        let old = try await workspace.martlet(
            "leeway", "-w", ".", "-Dfoo=bar", "--dut", "--variant", "v", "collect", "components")
        #expect(old.status == 0)
        #expect(old.output == plain.output)
        let build = try await workspace.martlet(
            "leeway", "build", "--dry-run", "--fixed-build-dir=false", "--docker-build-options", "a=b", "-j4", "-cnone",
            "--dont-retag=true", "lib:lib", "-Dx=y")
        #expect(build.status == 0)
        #expect(build.error.contains("--docker-build-options has no effect"))
        #expect(!build.error.contains("--fixed-build-dir"))
        #expect(build.error.contains("--dont-retag has no effect"))
    }

    @Test("wrong usage exits with 2 and says what to do")
    func usage() async throws {
        let workspace = try TestWorkspace()
        for arguments in [
            ["build", "--no-such-option"], ["no-such-command"], ["why", "no:package"], ["build", "app"],
        ] {
            let run = try await workspace.martlet(arguments)
            #expect(run.status == 2, "\(arguments)")
            #expect(!run.error.isEmpty)
        }
        let unknown = try await workspace.martlet("build", "x:lib")
        #expect(
            unknown.error
                == "martlet: there is no package 'x:lib'\n  did you mean lib:lib? `martlet collect packages` lists all\n"
        )
        #expect(try await workspace.martlet("collect", "-w", "/nonexistent").status == 2)
    }

    @Test("describe tells about packages, components and scripts")
    func describe() async throws {
        let workspace = try TestWorkspace()
        let package = try await workspace.martlet("describe")
        #expect(package.output.hasPrefix("Name:\tapp:app\nVersion:\t"))
        #expect(try await workspace.martlet("describe", ".", in: "lib").output.hasPrefix("Name:\tlib\n"))
        #expect(try await workspace.martlet("describe", ":lib", "-o", "json", in: "lib").json?["type"] == "generic")
        #expect(try await workspace.martlet("describe", "const", "lib").output == "layer:\tbase\n")
        #expect(try await workspace.martlet("describe", "dependants", "lib:lib").output == "app:app\n")
        #expect(try await workspace.martlet("describe", "dependants", "lib:lib", "--json").json == ["app:app"])
        #expect(try await workspace.martlet("describe", "environment-manifest", "--json").json?["os"] == "linux")
        #expect(try await workspace.martlet("describe", "tree").output == "WORKSPACE\n└── app:app\n    └── lib:lib\n")
        #expect(
            try await workspace.martlet("describe", "dependencies", "app:app").output
                == "[generic] app:app\n    [generic] lib:lib\n")
        #expect(try await workspace.martlet("describe", "dependencies", "--dot").output.hasPrefix("digraph G {\n"))
        #expect(try await workspace.martlet("describe", "script", "app:show").output.contains("Shows what lib made"))
        #expect(try await workspace.martlet("describe", "environment-manifest").output.contains("os: linux\n"))
        let manifest = try await workspace.martlet("describe", "manifest", "lib:lib").output
        let version = try await workspace.martlet("describe", "lib:lib", "-t", "{{ .Metadata.Version }}").output
        var hasher = SHA1Hasher()
        hasher.update(Array(manifest.utf8))
        #expect(Hex.encode(hasher.finalize()) == version)
    }

    @Test("exec runs where it should, in dependency order, and fails when any run failed")
    func exec() async throws {
        let workspace = try TestWorkspace()
        let all = try await workspace.martlet("exec", "--", "echo", "<{}>")
        #expect(all.output == "[lib:lib] <lib:lib>\n[app:app] <app:app>\n[app:other] <app:other>\n")
        let down = try await workspace.martlet(
            "exec", "--package", "app:app", "--dependencies", "--components", "--raw-output", "basename", "{}")
        #expect(down.output == "lib\napp\n")
        let up = try await workspace.martlet(
            "exec", "--package", "lib:lib", "--transitive-dependants", "echo", "-n", "x")
        #expect(up.output == "[lib:lib] x\n[app:app] x\n")
        #expect(
            try await workspace.martlet("exec", "--filter-name", "^app:o", "pwd").output
                == "[app:other] \(workspace.root)/app\n")
        #expect(try await workspace.martlet("exec", "--filter-type", "go", "pwd").output == "")
        // Leeway reports success here.
        let failing = try await workspace.martlet("exec", "--parallel", "--", "test", "{}", "=", "app:app")
        #expect(failing.status == 1)
        #expect(failing.error.contains("lib:lib: the command failed with exit status 1"))
        #expect(try await workspace.martlet("exec", "--", "sh", "-c", "exit 3").status == 1)
        #expect(try await workspace.martlet("exec", "--", "no-such-program").status == 1)
    }

    @Test("exec with a cache key passes over what has not changed since")
    func execCache() async throws {
        let workspace = try TestWorkspace()
        let first = try await workspace.martlet("exec", "--cache-key", "k", "--components", "--", "echo", "x")
        #expect(first.output == "[lib] x\n[app] x\n")
        #expect(try await workspace.martlet("exec", "--cache-key", "k", "--components", "--", "echo", "x").output == "")
        try workspace.write("other\n", to: "app/src/one.txt")
        let again = try await workspace.martlet("exec", "--cache-key", "k", "--components", "--", "echo", "x")
        #expect(again.output == "[app] x\n")
    }

    @Test("vet, fmt and init work on BUILD files")
    func files() async throws {
        let workspace = try TestWorkspace()
        #expect(try await workspace.martlet("vet").status == 0)
        #expect(try await workspace.martlet("vet", "ls").names.contains("component:fmt"))
        try workspace.write("packages:\n    - name:   x\n      type: generic\n", to: "x/BUILD.yaml")
        #expect(try await workspace.martlet("vet", "--ignore-warnings").status == 0)
        let vet = try await workspace.martlet("vet", "-o", "json", "--components", "x")
        #expect(vet.status == 1)
        #expect(vet.json?["findings"]?[0]?["check"] == "component:fmt")
        #expect(try await workspace.martlet("fmt", "-i", "x/BUILD.yaml").output == "x/BUILD.yaml\n")
        #expect(try workspace.files.read("ws/x/BUILD.yaml") == "packages:\n  - name: x\n    type: generic\n")
        #expect(try await workspace.martlet("vet").status == 0)
        try workspace.write("", to: "new/go.mod")
        #expect(try await workspace.martlet("init", "lib", in: "new").status == 0)
        #expect(try workspace.files.read("ws/new/BUILD.yaml").contains("type: go"))
        #expect(try await workspace.martlet("init", "lib", in: "new").status == 2)
    }

    @Test("cache counts, checks and removes")
    func cache() async throws {
        let workspace = try TestWorkspace()
        #expect(try await workspace.martlet("cache", "stat", "--json").json?["records"] == 0)
        #expect(try await workspace.martlet("cache", "verify").status == 0)
        #expect(try await workspace.martlet("cache", "gc", "--max-size", "1MiB").status == 0)
        #expect(try await workspace.martlet("cache", "gc", "--max-size", "many").status == 2)
        #expect(try await workspace.martlet("cache", "prune").output.contains("removed 0 results"))
    }

    @Test("completion scripts are printed")
    func completion() async throws {
        let workspace = try TestWorkspace()
        #expect(try await workspace.martlet("bash-completion").output.contains("complete"))
        #expect(try await workspace.martlet("--generate-completion-script", "zsh").output.contains("#compdef martlet"))
    }
}
