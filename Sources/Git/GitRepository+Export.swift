internal import Host
package import SystemPackage

extension GitRepository {
    /// The same repository with another directory as the workspace's, relative to the root.
    package func at(_ directory: String) -> GitRepository {
        GitRepository(root: root, directory: directory, format: format, head: head, ref: ref, origin: origin)
    }

    private static let exportBatch = 500
    private static let pathLimit = 4096

    /// Writes the files that a commit has in the workspace's directory into the empty directory `target`, exactly as
    /// the commit has them: no filter, no line-end conversion. The index and the working tree are not touched.
    ///
    /// Files of submodules are left out.
    package func export(_ tree: GitTree, to target: FilePath) async throws {
        let prefix = directory.isEmpty ? "" : directory + "/"
        var files: [(path: String, entry: GitTree.Entry)] = []
        for entry in tree.entries where entry.path.hasPrefix(prefix) && entry.mode != "160000" {
            let path = String(entry.path.dropFirst(prefix.count))
            // A commit that was made by hand can hold any name; one that leads elsewhere is no file of the workspace.
            let isSafe =
                path.utf8.count <= Self.pathLimit
                && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                    !$0.isEmpty && $0 != "." && $0 != ".." && $0.lowercased() != ".git"
                }
            guard isSafe else { throw GitError(.corrupt, "the commit has a file with the path '\(path)'") }
            files.append((path, entry))
        }
        // Links come last, so that no file is written through one.
        let links = files.filter { $0.entry.mode == "120000" }
        let others = files.filter { $0.entry.mode != "120000" }
        for start in stride(from: 0, to: others.count, by: Self.exportBatch) {
            let batch = Array(others[start..<min(start + Self.exportBatch, others.count)])
            let contents = try await blobs(batch.map(\.entry.id))
            try await concurrentForEach(Array(zip(batch, contents))) { file, content in
                let place = target.appending(file.path)
                try Files.createDirectories(place.removingLastComponent())
                try Files.write(content, to: place, mode: file.entry.mode == "100755" ? 0o755 : 0o644)
            }
        }
        let targets = try await blobs(links.map(\.entry.id))
        for (link, content) in zip(links, targets) {
            let place = target.appending(link.path)
            try Files.createDirectories(place.removingLastComponent())
            try Files.symlink(String(decoding: content, as: UTF8.self), at: place)
        }
    }

    /// The contents of blobs, each verified against its name.
    private func blobs(_ names: [GitObjectID]) async throws -> [[UInt8]] {
        guard !names.isEmpty else { return [] }
        let request = Array(names.map { $0.hex + "\n" }.joined().utf8)
        let output = try await GitCommand(directory: root).output(["cat-file", "--batch"], input: request)
        var blobs: [[UInt8]] = []
        blobs.reserveCapacity(names.count)
        var rest = output[...]
        for name in names {
            guard let end = rest.firstIndex(of: 0x0A) else { throw unreadable(name) }
            let words = String(decoding: rest[..<end], as: UTF8.self).split(separator: " ")
            guard words.count == 3, words[1] == "blob", let size = Int(words[2]), size >= 0,
                rest.endIndex - end > size + 1
            else { throw unreadable(name) }
            let content = Array(rest[(end + 1)..<(end + 1 + size)])
            guard format.blobID(of: content) == name else { throw unreadable(name) }
            blobs.append(content)
            rest = rest[(end + size + 2)...]
        }
        return blobs
    }

    private func unreadable(_ name: GitObjectID) -> GitError {
        GitError(.corrupt, "git can't give the file \(name) of the commit; is the clone complete?")
    }
}
