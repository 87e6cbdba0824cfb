internal import Bytes
internal import Host
internal import SystemPackage
package import Workspace

/// Tells when files change that packages are made from.
///
/// It looks at statuses at an interval rather than asking the kernel to tell: that also works on network file systems
/// and needs no watch for each directory. Seen are the sources, the directories that lead to them, so that new files
/// count, and the files that define the workspace.
package struct SourceWatch: Sendable {
    /// How often it looks.
    package static let interval: Duration = .milliseconds(400)

    private let paths: [FilePath]
    private let interval: Duration
    private var last: Digest

    /// Watches what `targets` of a project are made from.
    package init(_ project: Project, _ targets: [PackageName], interval: Duration = Self.interval) async throws {
        self.interval = interval
        let workspace = project.workspace
        var names = Set(targets)
        for target in targets { names.formUnion(workspace.transitiveDependencies(of: target)) }
        var paths = Set(workspace.definitionFiles)
        // What is broken now may be mended.
        paths.formUnion(workspace.diagnostics.map(\.location.file))
        for name in names {
            guard let package = workspace.packages[name] else { continue }
            let component = name.component == "//" ? "" : name.component + "/"
            paths.formUnion([package.location.file, component + "BUILD.yaml", component + "BUILD.js", component])
            for source in package.sources {
                paths.insert(source.path)
                var directory = source.path[...]
                while let slash = directory.lastIndex(of: "/") {
                    directory = directory[..<slash]
                    guard directory.count >= name.component.count, paths.insert(String(directory)).inserted else {
                        break
                    }
                }
            }
        }
        self.paths = paths.sorted().map { workspace.root.pushing(FilePath($0)) }
        last = try await Self.look(self.paths)
    }

    /// Waits until something changed and then stayed as it is for an interval, so that half of a checkout does not
    /// count.
    package mutating func waitForChange() async throws {
        var seen = last
        while true {
            try await Task.sleep(for: interval)
            let now = try await Self.look(paths)
            if now == seen, now != last {
                last = now
                return
            }
            seen = now
        }
    }

    private static func look(_ paths: [FilePath]) async throws -> Digest {
        let lines = try await concurrentMap(paths) { path -> String in
            guard let status = try? Files.status(path) else { return "absent" }
            return "\(status.inode) \(status.size) \(status.modified) \(status.changed) \(status.mode)"
        }
        return Digest.of(lines.joined(separator: "\n"))
    }
}

extension Project {
    /// Runs `body` on the project, and again with a fresh one each time that something changed, until the task is
    /// cancelled, which is its only way to end.
    ///
    /// - Parameters:
    ///   - targets: the packages that `body` works on.
    ///   - say: takes a line for people. What `body` throws is said, too.
    package static func watching(
        _ options: ProjectOptions, interval: Duration = SourceWatch.interval,
        targets: (Project) throws -> [PackageName], say: (String) -> Void,
        body: (Project) async throws -> Void
    ) async throws {
        var project = try await open(options)
        // A name that is wrong from the start is the caller's mistake; later, a file is being edited.
        _ = try targets(project)
        while !Task.isCancelled {
            do {
                var watch = try await SourceWatch(
                    project, (try? targets(project)) ?? project.workspace.order, interval: interval)
                // Loaded again after the first look, which reads no source: a change in between is not missed.
                project = try await reopened(options, watch: &watch, say: say)
                var names: [PackageName]?
                do { names = try targets(project) } catch { say("\(error)") }
                if names != nil {
                    do { try await body(project) } catch let error where !(error is CancellationError) {
                        say("\(error)")
                    }
                }
                say("waiting for changes; Ctrl-C ends this")
                try await watch.waitForChange()
                project = try await reopened(options, watch: &watch, say: say)
            } catch is CancellationError {
                return
            }
        }
    }

    /// The project as it is now, as soon as it can be read.
    private static func reopened(
        _ options: ProjectOptions, watch: inout SourceWatch, say: (String) -> Void
    ) async throws -> Project {
        while true {
            do {
                return try await open(options)
            } catch let error where !(error is CancellationError) {
                say("\(error)")
                try await watch.waitForChange()
            }
        }
    }
}
