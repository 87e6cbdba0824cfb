package import Bytes
internal import Host

/// One path at which two trees differ.
package struct TreeDifference: Hashable, Sendable, CustomStringConvertible {
    package var path: String
    /// What the first tree has there.
    package var first: Tree.Node?
    /// What the second tree has there.
    package var second: Tree.Node?

    package var description: String {
        switch (first, second) {
        case (nil, _): "\(path): only in the second"
        case (_, nil): "\(path): only in the first"
        case (.file(let one, let oneSize, let oneMode), .file(let two, let twoSize, let twoMode)):
            if one == two {
                "\(path): \(Self.mode(oneMode)), then \(Self.mode(twoMode))"
            } else if oneSize != twoSize {
                "\(path): content differs, \(oneSize) bytes, then \(twoSize)"
            } else {
                "\(path): content differs (\(oneSize) bytes)"
                    + (oneMode == twoMode ? "" : ", \(Self.mode(oneMode)), then \(Self.mode(twoMode))")
            }
        case (.link(let one), .link(let two)): "\(path): links to '\(one)', then to '\(two)'"
        case (let one?, let two?): "\(path): \(Self.kind(one)), then \(Self.kind(two))"
        }
    }

    private static func mode(_ isExecutable: Bool) -> String { isExecutable ? "executable" : "not executable" }

    private static func kind(_ node: Tree.Node) -> String {
        switch node {
        case .file: "a file"
        case .directory: "a directory"
        case .link: "a symbolic link"
        }
    }
}

extension ContentStore {
    /// Where two trees differ, sorted by path, `limit` differences at most. Equal subtrees are not read.
    package func differences(_ first: Digest, _ second: Digest, limit: Int = 10_000) throws -> [TreeDifference] {
        var found: [TreeDifference] = []
        try compare(first, second, prefix: "", depth: 0, limit: limit, &found)
        return found.sorted { Files.isOrderedByBytes($0.path, $1.path) }
    }

    private func compare(
        _ first: Digest, _ second: Digest, prefix: String, depth: Int, limit: Int, _ found: inout [TreeDifference]
    ) throws {
        guard first != second, depth <= DirectoryWalk.depthLimit else { return }
        let one = try tree(first)
        let two = try tree(second)
        var names: [String] = one.entries.map(\.name)
        names += two.entries.map(\.name).filter { one[$0] == nil }
        for name in names.sorted(by: Files.isOrderedByBytes) {
            guard found.count < limit else { return }
            let path = prefix.isEmpty ? name : prefix + "/" + name
            switch (one[name], two[name]) {
            case (.directory(let left, _)?, .directory(let right, _)?):
                try compare(left, right, prefix: path, depth: depth + 1, limit: limit, &found)
            case (let left, let right) where left != right:
                found.append(TreeDifference(path: path, first: left, second: right))
            default: break
            }
        }
    }
}
