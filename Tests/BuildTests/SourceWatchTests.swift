import SystemPackage
import TestKit
import Testing
import Workspace

@testable import Build

@Suite(.timeLimit(.minutes(1)))
struct SourceWatchTests {
    private let files: TemporaryDirectory
    private let options: ProjectOptions

    init() throws {
        files = try TemporaryDirectory()
        try files.write("defaultTarget: a:a\n", to: "ws/WORKSPACE.yaml")
        try files.write("packages:\n  - name: a\n    type: generic\n    srcs: [\"**/*.txt\"]\n", to: "ws/a/BUILD.yaml")
        try files.write("packages:\n  - name: b\n    type: generic\n    srcs: [\"**/*.txt\"]\n", to: "ws/b/BUILD.yaml")
        try files.write("one", to: "ws/a/deep/one.txt")
        options = ProjectOptions(
            directory: files["ws"], environment: ["MARTLET_CACHE_DIR": files["cache"].string, "PATH": "/usr/bin:/bin"])
    }

    @Test(
        "sources, new files and definitions count as changes",
        arguments: [
            "ws/a/deep/one.txt", "ws/a/deep/two.txt", "ws/a/three.txt", "ws/a/BUILD.yaml", "ws/WORKSPACE.yaml",
            "ws/a/BUILD.js",
        ])
    func changes(_ path: String) async throws {
        let project = try await Project.open(options)
        var watch = try await SourceWatch(project, try project.targets([]), interval: .milliseconds(1))
        try files.write("defaultTarget: a:a # changed\n", to: path)
        try await watch.waitForChange()
    }

    @Test("work is done again after a change, from files read anew, until it is cancelled")
    func again() async throws {
        var seen: [String] = []
        var said: [String] = []
        try await Project.watching(
            options, interval: .milliseconds(1), targets: { try $0.targets([]) }, say: { said.append($0) },
            body: { project in
                let package = try project.package("a:a")
                seen.append(package.sources.map(\.path).joined(separator: " "))
                switch seen.count {
                case 1: try files.write("two", to: "ws/a/two.txt")
                case 2:
                    try files.write("three", to: "ws/a/three.txt")
                    throw BuildError(.step, "failed")
                default: throw CancellationError()
                }
            })
        #expect(seen == ["a/deep/one.txt", "a/deep/one.txt a/two.txt", "a/deep/one.txt a/three.txt a/two.txt"])
        #expect(said.contains("failed"))
    }

    @Test("a BUILD file that is broken for a while doesn't end the watch")
    func broken() async throws {
        var runs = 0
        var said: [String] = []
        let whole = try files.read("ws/a/BUILD.yaml")
        try await Project.watching(
            options, interval: .milliseconds(1), targets: { try $0.targets([]) },
            say: { text in
                said.append(text)
                if text.contains("there is no package 'a:a'") { _ = try? files.write(whole, to: "ws/a/BUILD.yaml") }
            },
            body: { _ in
                runs += 1
                if runs == 2 { throw CancellationError() }
                try files.write("packages: [", to: "ws/a/BUILD.yaml")
            })
        #expect(runs == 2)
        #expect(said.contains { $0.contains("there is no package 'a:a'") })
    }
}
