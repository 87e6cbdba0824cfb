internal import Workspace

/// Dependencies that a package's commands change in place, as Leeway lets them.
extension Recipe {
    /// Programs that change the files that they are given.
    private static let changing: Set<String> = [
        "mv", "rm", "rmdir", "unlink", "chmod", "chown", "chgrp", "touch", "truncate", "tee", "mkdir", "patch", "gzip",
        "gunzip", "bzip2", "bunzip2", "xz", "unxz", "rename",
    ]
    /// Those that write to their last argument.
    private static let writingLast: Set<String> = ["cp", "ln", "install", "rsync"]

    /// Marks the dependencies that commands change. All others stay mounted, where a write that nobody saw coming is an
    /// error and never lost.
    mutating func markChangedDependencies() {
        let commands = steps.filter { $0.runner == .sandbox }.flatMap(\.commands)
        for index in dependencies.indices {
            dependencies[index].isChanged = commands.contains { Self.changes($0, at: dependencies[index].path) }
        }
    }

    /// Whether `command` looks as if it changed files at `place`.
    static func changes(_ command: [String], at place: String) -> Bool {
        guard !place.isEmpty, place != ".", command.contains(where: { $0.contains(place) }) else { return false }
        if let last = command.last, isNamed(last, place),
            command.first.map({ writingLast.contains(program($0)) }) == true
        {
            return true
        }
        let words = command.flatMap { text in text.split { " \t\n;&|()'\"`".contains($0) } }
        if words.contains(where: { changing.contains(program($0)) }) { return true }
        // sed -i, perl -i, yq -i
        if words.contains(where: { $0.hasPrefix("-i") || $0.hasPrefix("--in-place") || $0.hasPrefix("--inplace") }) {
            return true
        }
        return command.contains { text in
            text.split(separator: ">", omittingEmptySubsequences: false).dropFirst().contains { target in
                isNamed(target.drop { $0 == " " || $0 == "\"" || $0 == "'" }, place)
            }
        }
    }

    private static func program(_ word: some StringProtocol) -> String {
        String(word.split(separator: "/").last ?? "")
    }

    private static func isNamed(_ path: some StringProtocol, _ place: String) -> Bool {
        path.hasPrefix(place) || path.hasPrefix("./" + place)
    }
}
